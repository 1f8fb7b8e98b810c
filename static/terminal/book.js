// What stands beside the chart of one symbol: the best orders, the newest trades, the day.
import * as numbers from "./numbers.js";
import { changeOf, moodOf } from "./quotes.js";
import { locale, say } from "./words.js";

const compact = numbers.compacter(locale);
const LEVELS = 10, TRADES = 40;
const DAY = ["open", "high", "low", "prev_close", "volume", "turnover", "limit_up", "limit_down", "turnover_rate", "volume_ratio", "market_cap", "pe_ttm", "pb", "lot"];

function put(element, text) { if (element.textContent !== text) element.textContent = text; }

export class Book {
  #parts; #frames; #quotes; #symbol = null; #depth = null; #trades = []; #lastTrade = 0; #sides = {}; #rows = []; #day = {}; #statistics = null;
  #draw = () => { this.#drawDepth(); this.#drawTrades(); };
  #drawDay = () => this.#writeDay();

  /** @param {{asks: HTMLElement, bids: HTMLElement, trades: HTMLElement, day: HTMLElement, said: HTMLElement}} parts */
  constructor(parts, quotes, frames) {
    this.#parts = parts;
    this.#quotes = quotes;
    this.#frames = frames;
    for (const side of ["asks", "bids"]) this.#sides[side] = [];
    for (const name of DAY) {
      const term = document.createElement("dt"), value = document.createElement("dd"), pair = document.createElement("div");
      term.textContent = say(name);
      value.textContent = "–";
      pair.append(term, value);
      parts.day.append(pair);
      this.#day[name] = value;
    }
    quotes.listen((changed) => { if (changed.includes(this.#symbol)) frames.want(this.#drawDay); });
  }

  show(symbol) {
    this.#symbol = symbol;
    Object.assign(this.#parts.said, { textContent: "" });
    this.#depth = null;
    this.#trades = [];
    this.#lastTrade = 0;
    this.#statistics = null;
    this.#frames.want(this.#draw);
    this.#frames.want(this.#drawDay);
  }

  depth(symbol, data) {
    if (symbol !== this.#symbol) return;
    this.#depth = data;
    this.#frames.want(this.#draw);
  }

  trade(symbol, seq, data) {
    if (symbol !== this.#symbol || seq <= this.#lastTrade) return;
    this.#lastTrade = seq;
    this.#trades.unshift(data);
    if (this.#trades.length > TRADES) this.#trades.length = TRADES;
    this.#frames.want(this.#draw);
  }

  /** A new epoch counts its trades from one again. */
  anew() { this.#lastTrade = 0; }

  statistics(symbol, told) {
    if (symbol !== this.#symbol) return;
    this.#statistics = told;
    this.#frames.want(this.#drawDay);
  }

  /** Say why there is no book: the plan has none. */
  without(text) { put(this.#parts.said, text); }

  #drawDepth() {
    const row = this.#symbol && this.#quotes.get(this.#symbol), { bids = [], asks = [] } = this.#depth ?? {};
    const most = Math.max(1, ...bids.map(([, volume]) => volume), ...asks.map(([, volume]) => volume));
    this.#side("asks", asks.slice(0, LEVELS).reverse(), row, most, asks.length);
    this.#side("bids", bids.slice(0, LEVELS), row, most, 0);
  }

  #side(side, levels, row, most, from) {
    const lines = this.#sides[side], parent = this.#parts[side];
    while (lines.length < levels.length) {
      const line = document.createElement("tr"), cells = [document.createElement("th"), document.createElement("td"), document.createElement("td")];
      cells[0].scope = "row";
      line.append(...cells);
      parent.append(line);
      lines.push({ line, cells });
    }
    while (lines.length > levels.length) lines.pop().line.remove();
    levels.forEach(([price, volume], at) => {
      const { line, cells } = lines[at], number = from ? from - at : at + 1;
      put(cells[0], `${say(side === "asks" ? "ask" : "bid")} ${number}`);
      put(cells[1], numbers.price(price, numbers.decimalsAt(row.steps, price)));
      put(cells[2], compact(volume));
      const mood = moodOf(price, row.prev), share = String(Math.round((volume / most) * 20));
      if (cells[1].dataset.mood !== mood) cells[1].dataset.mood = mood;
      if (line.dataset.share !== share) line.dataset.share = share;
    });
  }

  #drawTrades() {
    const row = this.#symbol && this.#quotes.get(this.#symbol), parent = this.#parts.trades;
    while (this.#rows.length < this.#trades.length) {
      const line = document.createElement("tr"), cells = [0, 1, 2].map(() => document.createElement("td"));
      line.append(...cells);
      parent.append(line);
      this.#rows.push({ line, cells });
    }
    while (this.#rows.length > this.#trades.length) this.#rows.pop().line.remove();
    this.#trades.forEach(({ price, volume, side, timestamp }, at) => {
      const { cells } = this.#rows[at], mood = side === "B" ? "up" : side === "S" ? "down" : "";
      put(cells[0], numbers.clock(Date.parse(timestamp)));
      put(cells[1], numbers.price(price, numbers.decimalsAt(row.steps, price)));
      put(cells[2], compact(volume));
      if (cells[2].dataset.mood !== mood) cells[2].dataset.mood = mood;
      const against = moodOf(price, row.prev);
      if (cells[1].dataset.mood !== against) cells[1].dataset.mood = against;
    });
  }

  #writeDay() {
    const row = this.#symbol && this.#quotes.get(this.#symbol);
    if (!row) return;
    const decimals = numbers.decimalsAt(row.steps, row.last ?? 0), told = this.#statistics ?? {};
    const price = (value) => numbers.price(value, decimals), plain = (value) => (value === null || value === undefined ? null : value.toFixed(2));
    const values = {
      open: price(row.open), high: price(row.high), low: price(row.low), prev_close: price(row.prev), volume: compact(row.volume), turnover: compact(row.amount),
      limit_up: price(told.limit_up), limit_down: price(told.limit_down),
      turnover_rate: told.turnover_rate === null || told.turnover_rate === undefined ? null : `${told.turnover_rate.toFixed(2)}%`,
      volume_ratio: plain(told.volume_ratio), market_cap: told.market_cap ? compact(told.market_cap) : null, pe_ttm: plain(told.pe_ttm), pb: plain(told.pb),
      lot: told.lot ? String(told.lot) : row.lot ? String(row.lot) : null,
    };
    for (const name of DAY) {
      // What nobody tells takes no room: most feeds have no ratios.
      this.#day[name].parentElement.hidden = values[name] === null || (values[name] === "–" && name.startsWith("limit"));
      put(this.#day[name], values[name] ?? "–");
    }
    for (const name of ["open", "high", "low"]) this.#day[name].dataset.mood = moodOf(row[name], row.prev);
  }
}

/** The head above a chart: name, symbol, last price and change. */
export function writeHead({ title, symbol, last, change, percent: share }, row, name) {
  const decimals = numbers.decimalsAt(row.steps, row.last ?? 0), [difference, percent] = changeOf(row), mood = moodOf(row.last, row.prev);
  put(title, name);
  put(symbol, row.symbol);
  put(last, numbers.price(row.last, decimals));
  put(change, difference === null ? "" : numbers.signed(difference, decimals));
  put(share, difference === null ? "" : numbers.percent(percent));
  for (const one of [last, change, share]) if (one.dataset.mood !== mood) one.dataset.mood = mood;
}
