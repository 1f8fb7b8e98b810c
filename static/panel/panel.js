// The panel's only script: copy buttons, how far nodes are, one question, notices.
// Nothing here decides anything; without it every page still works except for these.
"use strict";

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain http on another host there is no clipboard: select the text, so that Ctrl-C takes it.
    const reveal = button.closest("section.copyable")?.querySelector(".reveal input");
    if (reveal) reveal.checked = true; // what is not shown cannot be selected
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return;
  }
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 1500);
}

// Nearest of three answers; no-cors, because only the time counts.
const latencies = new Map();

async function measure(base) {
  let best = Infinity;
  for (let round = 0; round < 3; round += 1) {
    const began = performance.now();
    await fetch(`${base}/healthz`, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(3000) });
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

function showLatencies(root) {
  for (const place of root.querySelectorAll("[data-latency-of]")) {
    const base = place.dataset.latencyOf;
    const words = place.closest("[data-latency-ms]").dataset;
    if (!latencies.has(base)) latencies.set(base, measure(base));
    latencies.get(base).then(
      (ms) => { place.textContent = words.latencyMs.replace("{ms}", String(Math.max(1, Math.round(ms)))); },
      () => { place.textContent = words.latencyAway; latencies.delete(base); },
    );
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
document.addEventListener("htmx:afterSwap", () => showLatencies(document));
showLatencies(document);

// The page of a code or an account: goes back to the order as soon as that no longer waits for its payment.
async function leaveWhenSettled(place) {
  try {
    const answer = await fetch(place.dataset.state, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    const told = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("state");
    if (answer.ok && told && told.dataset.state !== "pending") location.assign(place.dataset.leavesWhenSettled);
  } catch { /* asked again in two seconds */ }
}

for (const place of document.querySelectorAll("[data-leaves-when-settled]")) {
  setInterval(() => leaveWhenSettled(place), 2000);
}

for (const form of document.querySelectorAll("form[data-sends-itself]")) form.submit();

// Without a network the page says so, and forms wait: a browser's own page would take what was written.
function tellNetwork() {
  const place = document.getElementById("offline");
  place?.replaceChildren(...(navigator.onLine ? [] : [document.getElementById("offline-note").content.cloneNode(true)]));
}
addEventListener("online", tellNetwork);
addEventListener("offline", tellNetwork);
tellNetwork();
document.addEventListener("submit", (event) => {
  if (navigator.onLine) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  document.getElementById("offline")?.scrollIntoView({ block: "center" });
}, { capture: true });

// Who logs out in one tab is logged out in all: what another one goes on showing would be somebody's who has left.
const LEFT = "tickpack-logged-out";
document.querySelector('form[action$="/logout/"]')?.addEventListener("submit", () => {
  try { localStorage.setItem(LEFT, String(Date.now())); } catch { /* no storage: other tabs notice when they ask */ }
});
addEventListener("storage", ({ key }) => { if (key === LEFT) setTimeout(() => location.reload(), 500); });

// On a phone the account's ways stand in a row: the present one is in sight.
document.querySelector("nav.side [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// Notices that one may close stay closed in this browser; what is said anew is another notice.
const CLOSED = "tickpack-closed-notices";
function closedNotices() {
  try {
    const kept = JSON.parse(localStorage.getItem(CLOSED) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch { return []; } // no storage, or not ours
}

for (const banner of document.querySelectorAll("[data-announcement]")) {
  const button = banner.querySelector("[data-dismiss]");
  if (!button) continue;
  if (closedNotices().includes(banner.dataset.announcement)) banner.hidden = true;
  button.hidden = false;
  button.addEventListener("click", () => {
    banner.hidden = true;
    try { localStorage.setItem(CLOSED, JSON.stringify([...closedNotices(), banner.dataset.announcement].slice(-50))); } catch { /* it comes back with the next page */ }
  });
}

// A password can be looked at before it is sent; it goes off as a password, so that the browser may keep it as one.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const show = (shown) => { field.type = shown ? "text" : "password"; button.setAttribute("aria-pressed", String(shown)); };
  button.hidden = false;
  button.addEventListener("click", () => show(button.getAttribute("aria-pressed") !== "true"));
  field.form?.addEventListener("submit", () => show(false));
}
