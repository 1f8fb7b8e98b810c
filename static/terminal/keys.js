// What a key does where nobody writes into a field and no dialog is open.

/** @param {KeyboardEvent} event @returns {string|null} what it asks for: search, help, up, down, open, remove, full, back, raise, lower, or an interval's number. Pure. */
export function meaningOf({ key, altKey, ctrlKey, metaKey, shiftKey }) {
  if (ctrlKey || metaKey) return null;
  if (altKey) return { ArrowUp: "raise", ArrowDown: "lower" }[key] ?? null;
  if (/^[1-9]$/.test(key)) return key;
  if (shiftKey && key !== "?") return null;
  return { "/": "search", "?": "help", ArrowUp: "up", ArrowDown: "down", Enter: "open", Delete: "remove", f: "full", F: "full", Escape: "back" }[key] ?? null;
}

/** @param {(meaning: string) => boolean|void} act false: the key keeps what it does elsewhere */
export function listen(act) {
  document.addEventListener("keydown", (event) => {
    // A dialog that was closed keeps the focus in its field for a moment: nobody writes into what is not to be seen.
    const { target } = event, field = target.closest?.("input, textarea, select, [contenteditable]"), writing = field && field.checkVisibility?.() !== false;
    if (event.defaultPrevented || writing || document.querySelector("dialog[open]")) return;
    const meaning = meaningOf(event);
    // Enter on a button is the button's.
    if (meaning === null || (meaning === "open" && target.closest?.("a, button, summary"))) return;
    if (act(meaning, target) !== false) event.preventDefault();
  });
}
