// The list as a table: one row a symbol, cells written only where their text has changed, sorted by a press on a head.
import * as numbers from "./numbers.js";
import { changeOf, limitOf, moodOf, sorted } from "./quotes.js";
import { looks } from "./looks.js";
import { chinese, locale, nameOf, say, sayOr } from "./words.js";

const compact = numbers.compacter(locale);
const SPARK_MS = 3000; // a line of a day's minutes moves by less than a dot in that time
const SORT_MS = 2000;
const SPARK = { width: 72, height: 22 };

/** The state of a product in words, and whether it dims the row. */
export function stateOf(row, markets) {
  if (row.following === "taken") return say("row_taken");
  if (row.following === "rejected") return sayOr(`reason_${row.reason}`, row.reason ?? "");
  if (row.state && row.state !== "trading") return sayOr(`instrument_${row.state}`, row.state);
  if (row.following === "idle") return say("row_idle");
  const market = markets[row.market];
  return market ? sayOr(`state_${market.state}`, market.state) + (market.presumed ? `${chinese ? "（" : " ("}${say("presumed")}${chinese ? "）" : ")"}` : "") : "";
}

export class Table {
  #body; #template; #rows = new Map(); #symbols = []; #quotes; #markets = {}; #sort = null; #heads; #on; #drawn = new Map();
  selected = null;

  /** @param {{choose: (symbol: string, open: boolean) => void, again: (symbol: string) => void, order: (symbols: string[]) => void, givesWay: () => string|null, instead: (symbol: string) => void}} on */
  constructor(table, quotes, on) {
    this.#body = table.tBodies[0];
    this.#template = document.getElementById("quote-row");
    this.#quotes = quotes;
    this.#on = on;
    this.#heads = [...table.tHead.querySelectorAll("th[data-column]")];
    for (const head of this.#heads) head.querySelector("button")?.addEventListener("click", () => this.#sortBy(head));
    this.#body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (!row) return;
      if (event.target.closest("button")) return this.#on.instead(row.dataset.symbol);
      if (this.#quotes.get(row.dataset.symbol).following === "taken") this.#on.again(row.dataset.symbol);
      this.choose(row.dataset.symbol, true);
    });
    this.#dragged();
    quotes.listen((changed) => changed.forEach((symbol) => this.#write(symbol)));
    // Values move: an order that was right when its head was pressed is not for long.
    setInterval(() => { if (this.#sort && !document.hidden) this.#arrange(); }, SORT_MS);
  }

  get symbols() { return this.#shown(); }

  /** Show these symbols, in this order where no column sorts them. */
  show(symbols) {
    this.#symbols = symbols;
    const wanted = new Set(symbols);
    for (const [symbol, row] of this.#rows) if (!wanted.has(symbol)) { row.remove(); this.#rows.delete(symbol); this.#drawn.delete(symbol); }
    for (const symbol of symbols) {
      if (this.#rows.has(symbol)) continue;
      const row = this.#template.content.firstElementChild.cloneNode(true);
      row.dataset.symbol = symbol;
      this.#rows.set(symbol, row);
      row.cells_ = Object.fromEntries([...row.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell]));
      this.#write(symbol);
    }
    this.#arrange();
  }

  /** The market's states: {CN: {state, presumed}}. */
  states(markets) {
    this.#markets = markets;
    this.refresh();
  }

  /** Write all rows anew: what one says may depend on another. */
  refresh() {
    this.#symbols.forEach((symbol) => this.#write(symbol));
  }

  choose(symbol, open = false) {
    this.selected = symbol;
    for (const [name, row] of this.#rows) {
      const chosen = name === symbol;
      if ((row.getAttribute("aria-selected") === "true") !== chosen) row.setAttribute("aria-selected", String(chosen));
      row.tabIndex = chosen ? 0 : -1;
      row.cells_.instead.tabIndex = row.tabIndex;
    }
    if (open) this.#on.choose(symbol, open);
  }

  /** Move what is chosen by so many rows; return the symbol. */
  move(by) {
    const shown = this.#shown(), at = shown.indexOf(this.selected);
    const symbol = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + by))];
    if (symbol === undefined) return null;
    this.choose(symbol);
    this.#rows.get(symbol).focus({ preventScroll: true });
    this.#rows.get(symbol).scrollIntoView({ block: "nearest" });
    return symbol;
  }

  #shown() {
    if (!this.#sort) return this.#symbols;
    const rows = this.#symbols.map((symbol) => this.#quotes.get(symbol));
    return sorted(rows, this.#sort.column, this.#sort.ascending).map(({ symbol }) => symbol);
  }

  #sortBy(head) {
    const { column } = head.dataset, before = head.getAttribute("aria-sort");
    const next = before === null ? "descending" : before === "descending" ? "ascending" : null; // and back to one's own order
    this.#heads.forEach((one) => one.removeAttribute("aria-sort"));
    if (next) head.setAttribute("aria-sort", next);
    this.#sort = next && { column, ascending: next === "ascending" };
    this.#arrange();
  }

  #arrange() {
    const rows = this.#shown().map((symbol) => this.#rows.get(symbol)), focus = document.activeElement;
    if (rows.some((row, at) => this.#body.children[at] !== row)) {
      this.#body.replaceChildren(...rows);
      if (this.#body.contains(focus)) focus.focus({ preventScroll: true });
    }
    if (rows.length && !rows.some((row) => row.tabIndex === 0)) rows[0].tabIndex = rows[0].cells_.instead.tabIndex = 0;
  }

  #write(symbol) {
    const element = this.#rows.get(symbol);
    if (!element) return;
    const row = this.#quotes.get(symbol), cells = element.cells_, decimals = numbers.decimalsAt(row.steps, row.last ?? 0);
    const [change, percent] = changeOf(row), mood = moodOf(row.last, row.prev), limit = limitOf(row);
    put(cells.name, nameOf(row));
    put(cells.symbol, symbol);
    if (cells.name.title !== cells.name.textContent) cells.name.title = cells.name.textContent; // a long one is cut
    put(cells.last, numbers.price(row.last, decimals), mood);
    put(cells.change, numbers.signed(change, decimals), mood);
    put(cells.percent, numbers.percent(percent), mood);
    put(cells.volume, compact(row.volume));
    put(cells.amount, compact(row.amount));
    put(cells.high, numbers.price(row.high, decimals), moodOf(row.high, row.prev));
    put(cells.low, numbers.price(row.low, decimals), moodOf(row.low, row.prev));
    put(cells.at, numbers.clock(row.at));
    put(cells.state, stateOf(row, this.#markets));
    put(cells.limit, limit ? say(`limit_${limit}`) : "", limit ? `badge ${limit}` : "");
    const dim = row.following === "taken" || row.following === "idle" || row.following === "rejected" || row.state !== "trading" ? row.following === "followed" ? row.state : row.following : "";
    if ((element.dataset.dim ?? "") !== dim) element.dataset.dim = dim;
    this.#out(element, row);
    this.#spark(symbol, cells.spark, row);
  }

  /** A row without values says why in their place, and where the pack's room is the reason, whose room it can have. */
  #out(element, { symbol, following, reason }) {
    const out = following === "rejected", { why, instead } = element.cells_;
    if (element.hasAttribute("data-out") !== out) element.toggleAttribute("data-out", out);
    if (!out) return;
    const other = reason === "quota_exceeded" ? this.#on.givesWay() : null;
    put(why, reason === "quota_exceeded" ? say("row_out") : sayOr(`reason_${reason}`, reason ?? ""));
    instead.hidden = other === null;
    if (other === null) return;
    const name = nameOf(this.#quotes.get(other));
    put(instead, say("row_instead", { name }));
    instead.title = say("row_instead_of", { name: nameOf(this.#quotes.get(symbol)), other: name });
  }

  #spark(symbol, canvas, { spark, prev, last }) {
    const key = `${spark.length} ${spark.at(-1)} ${prev}`, before = this.#drawn.get(symbol), now = performance.now();
    if (before && (before.key === key || (before.length === spark.length && now - before.at < SPARK_MS))) return;
    this.#drawn.set(symbol, { key, length: spark.length, at: now });
    const ratio = Math.min(2, window.devicePixelRatio || 1), { width, height } = SPARK;
    if (canvas.width !== width * ratio) { canvas.width = width * ratio; canvas.height = height * ratio; }
    const pen = canvas.getContext("2d"), all = prev > 0 ? [...spark, prev] : spark;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (spark.length < 2) return;
    let least = Infinity, most = -Infinity;
    for (const value of all) { if (value < least) least = value; if (value > most) most = value; }
    const span = most - least || 1, x = (at) => (at / (spark.length - 1)) * (width - 2) + 1, y = (value) => height - 2 - ((value - least) / span) * (height - 4);
    const { up, down, mark, ink } = looks(), mood = moodOf(last, prev);
    if (prev > 0) { pen.strokeStyle = mark; pen.lineWidth = 0.5; pen.setLineDash([2, 2]); pen.beginPath(); pen.moveTo(0, y(prev)); pen.lineTo(width, y(prev)); pen.stroke(); pen.setLineDash([]); }
    pen.strokeStyle = mood === "up" ? up : mood === "down" ? down : ink;
    pen.lineWidth = 1.25;
    pen.beginPath();
    spark.forEach((value, at) => (at ? pen.lineTo(x(at), y(value)) : pen.moveTo(x(at), y(value))));
    pen.stroke();
  }

  /** Rows are put into another order by dragging, where no column sorts them; by keys with Alt and an arrow. */
  #dragged() {
    let held = null;
    this.#body.addEventListener("dragstart", (event) => { held = this.#sort ? null : event.target.closest("tr"); if (!held) event.preventDefault(); });
    this.#body.addEventListener("dragover", (event) => {
      const over = event.target.closest("tr");
      if (!held || !over || over === held) return;
      event.preventDefault();
      const { top, height } = over.getBoundingClientRect();
      over[event.clientY < top + height / 2 ? "before" : "after"](held);
    });
    this.#body.addEventListener("dragend", () => {
      if (!held) return;
      held = null;
      this.#on.order([...this.#body.children].map((row) => row.dataset.symbol));
    });
  }

  /** Move the chosen symbol up or down in its own order; return whether it moved. */
  shift(by) {
    const symbols = [...this.#symbols], at = symbols.indexOf(this.selected), to = at + by;
    if (this.#sort || at < 0 || to < 0 || to >= symbols.length) return false;
    [symbols[at], symbols[to]] = [symbols[to], symbols[at]];
    this.#on.order(symbols);
    this.#rows.get(this.selected)?.focus({ preventScroll: true });
    return true;
  }
}

function put(cell, text, name) {
  if (cell.textContent !== text) cell.textContent = text;
  if (name !== undefined && cell.dataset.mood !== name) cell.dataset.mood = name;
}
