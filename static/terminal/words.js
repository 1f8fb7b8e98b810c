// Texts in the reader's language, as the page brings them: JSON in the element #words.
const told = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

export const chinese = document.documentElement.lang.startsWith("zh");
export const locale = chinese ? "zh-CN" : "en-GB";

/** Return a text with its {places} filled in; the key itself where nobody wrote one. */
export function say(key, values = {}) {
  return (told[key] ?? key).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** Return a text, or what stands in for it where there is none of that key. */
export function sayOr(key, other, values) { return key in told ? say(key, values) : other; }

/** The product's name in the reader's language; its symbol where the list has none. */
export function nameOf(row) { return (chinese ? row.name_zh || row.name_en : row.name_en || row.name_zh) || row.symbol; }
