// The search under one key: by code, name, pinyin or initials; lists that are pasted; a code of several products asks back.
import { ask } from "../streaming/history.js";
import { nameOf, say, sayOr } from "./words.js";

const WAIT_MS = 150;
const SHOWN = 12;
const SEVERAL = /[,，、;；\n]/; // two words with a space may be an English name

/** Tell whether the best two are found by one name that both bear: a company's shares at home and in Hong Kong. */
function isNameOfSeveral([first, second]) {
  return Boolean(second) && first.matched === "name" && second.matched === "name" && first.name_zh === second.name_zh;
}

/** Read what the node found: one row for each part, and what to do with it. Pure. */
export function readResults(results) {
  if (results.length === 1) return { kind: "one", ambiguous: results[0].ambiguous, items: results[0].items };
  const sure = [], open = [], unknown = [];
  for (const { q, ambiguous, items } of results) {
    if (!items.length) unknown.push(q);
    else if (ambiguous || isNameOfSeveral(items)) open.push({ q, items });
    else sure.push(items[0]);
  }
  return { kind: "several", sure, open, unknown };
}

export class Search {
  #dialog; #input; #list; #said; #timer = null; #asked = 0; #active = -1; #options = []; #stream; #on; #has;

  /** @param {(products: object[]) => void} on what was chosen @param {(symbol: string) => boolean} has whether the list has it */
  constructor(dialog, stream, on, has) {
    this.#dialog = dialog;
    this.#stream = stream;
    this.#on = on;
    this.#has = has;
    [this.#input, this.#list, this.#said] = ["input", "ul", "output"].map((name) => dialog.querySelector(name));
    this.#input.addEventListener("input", () => this.#later());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    // A field of one line swallows the lines of what is pasted.
    this.#input.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text");
      if (!text.includes("\n")) return;
      event.preventDefault();
      this.#input.setRangeText(text.trim().split(/\s*\n\s*/).join("、"), this.#input.selectionStart, this.#input.selectionEnd, "end");
      this.#later();
    });
    this.#list.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) this.#take(Number(option.dataset.at)); });
    dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); this.#take(this.#active); });
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  }

  open() {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.value = "";
    this.#show([], say("search_hint"));
    this.#input.focus();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#find(), WAIT_MS);
  }

  async #find() {
    const text = this.#input.value.trim(), number = (this.#asked += 1);
    if (!text) return this.#show([], say("search_hint"));
    let results;
    try {
      const query = new URLSearchParams({ q: text, limit: String(SHOWN) });
      ({ results } = await ask(this.#stream.url, `/v1/instruments?${query}`, await this.#stream.token()));
    } catch { if (number === this.#asked) this.#show([], say("search_failed")); return; }
    if (number !== this.#asked) return;
    const found = readResults(results);
    if (found.kind === "one") {
      const said = !found.items.length ? say("search_nothing", { q: text }) : found.ambiguous ? say("search_ambiguous", { q: text }) : "";
      return this.#show(found.items.map((item) => ({ items: [item], item })), said, found.ambiguous);
    }
    const options = found.open.flatMap(({ q, items }) => items.slice(0, 4).map((item) => ({ items: [item], item, q })));
    if (found.sure.length) options.unshift({ items: found.sure, text: say("search_add_all", { n: found.sure.length }), detail: found.sure.map((one) => `${one.symbol} ${nameOf(one)}`).join(" · ") });
    const asks = !found.sure.length;
    const said = [found.open.length ? say("search_open", { n: found.open.map(({ q }) => q).join("、") }) : "", found.unknown.length ? say("search_unknown", { n: found.unknown.join("、") }) : ""];
    this.#show(options, said.filter(Boolean).join(" "), asks);
  }

  /** @param {boolean} asks one of them must be chosen: nothing is guessed */
  #show(options, said, asks = false) {
    this.#options = options;
    this.#active = options.length && !asks ? 0 : -1;
    this.#said.textContent = said;
    this.#list.replaceChildren(...options.map((option, at) => this.#row(option, at)));
    this.#list.hidden = !options.length;
    this.#input.setAttribute("aria-expanded", String(options.length > 0));
    this.#mark();
  }

  #row({ item, text, detail, q }, at) {
    const row = document.createElement("li");
    Object.assign(row, { id: `found-${at}` });
    row.setAttribute("role", "option");
    row.dataset.at = String(at);
    const parts = item
      ? [["b", nameOf(item)], ["code", item.symbol], ["small", [q && `${q}?`, sayOr(`market_${item.market}`, item.market), sayOr(`kind_${item.kind}`, item.kind), item.state === "trading" ? "" : sayOr(`instrument_${item.state}`, item.state), this.#has(item.symbol) ? say("search_listed") : ""].filter(Boolean).join(" · ")]]
      : [["b", text], ["small", detail]];
    for (const [name, content] of parts) row.appendChild(document.createElement(name)).textContent = content;
    return row;
  }

  #mark() {
    [...this.#list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === this.#active)));
    if (this.#active < 0) return this.#input.removeAttribute("aria-activedescendant");
    this.#input.setAttribute("aria-activedescendant", `found-${this.#active}`);
    this.#list.children[this.#active].scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (event.isComposing) return; // Enter there ends a syllable of pinyin
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !this.#options.length) return;
    event.preventDefault();
    this.#active = this.#active < 0 ? (step > 0 ? 0 : this.#options.length - 1) : (this.#active + step + this.#options.length) % this.#options.length;
    this.#mark();
  }

  #take(at) {
    const option = this.#options[at];
    if (!option) return;
    this.#on(option.items);
    // A list that leaves questions open stays, for them to be answered.
    if (SEVERAL.test(this.#input.value) && this.#options.length > 1) {
      const left = this.#options.filter((one) => one !== option && (!option.q || one.q !== option.q));
      const open = [...new Set(left.map(({ q }) => q).filter(Boolean))];
      if (left.length) return this.#show(left, open.length ? say("search_open", { n: open.join("、") }) : "", open.length > 0);
    }
    this.#dialog.close();
  }
}
