// The stream of the page: what is followed, what comes of it, and what is asked of the node beside it.
import { ask } from "../streaming/history.js";
import { Tickpack } from "../streaming/tickpack.js";

const AT_ONCE = 50; // symbols of one question to the node
const STATISTICS_S = 300;
const SESSION_MS = 120_000;
const OLD_MS = 11 * 3600_000; // a page's first token, which lasts for twelve hours
const parts = (symbols) => Array.from({ length: Math.ceil(symbols.length / AT_ONCE) }, (_, at) => symbols.slice(at * AT_ONCE, (at + 1) * AT_ONCE));

/** Make what gives a stream its token: the page's own while it is fresh, else the panel's next one. */
export function tokens(first, url, { now = Date.now, get = (address) => fetch(address, { cache: "no-store", redirect: "manual" }) } = {}) {
  if (!url) return first;
  const began = now();
  let known = first;
  return async ({ refused = false } = {}) => {
    if (known && !refused && now() - began < OLD_MS) return known;
    known = null;
    const answer = await get(url);
    if (answer.type === "opaqueredirect") throw Object.assign(new Error("logged out"), { final: true, why: "logged_out" });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.detail ?? told.code), { final: answer.status < 500, why: told.code });
    return told.token;
  };
}

/** Look now and then whether the reader is still logged in: a page must not go on after its session. `over` hears why not. */
export function watchSession(url, over, { get = (address) => fetch(address, { cache: "no-store", redirect: "manual" }), every = SESSION_MS } = {}) {
  const timer = setInterval(async () => {
    const answer = await get(url).catch(() => null); // a panel that is away has ended nothing
    if (!answer || answer.ok || answer.status >= 500) return;
    const told = answer.type === "opaqueredirect" ? {} : await answer.json().catch(() => ({}));
    clearInterval(timer);
    over(told.code ?? "logged_out");
  }, every);
  return timer;
}

export class Feed {
  #quotes; #on; #wanted = []; #kinds = new Map(); #detail = null; #most = null; #named = new Set();
  markets = {};

  /** @param {{state: Function, market: () => void, told: (name: string, detail: object) => void, depth: Function, trade: Function}} on */
  constructor(url, token, quotes, on) {
    this.#quotes = quotes;
    this.#on = on;
    this.stream = new Tickpack(url, token, {
      bar: (message) => this.#bar(message), answer: (message) => this.#answer(message), state: on.state,
      gap: (gap) => on.told("gap", gap),
    }, { resumeWithin: 1800 });
    this.#again(STATISTICS_S, () => this.#askStatistics(this.stream.symbols));
  }

  #again(seconds, what) { setInterval(() => { if (!document.hidden) what(); }, seconds * 1000); }

  /** Follow these, and nothing else: what the reader has on screen. */
  want(symbols) {
    const wanted = [...new Set(symbols)], followed = new Set(this.stream.symbols), keeps = new Set(wanted);
    const gone = [...followed].filter((one) => !keeps.has(one));
    const fresh = wanted.filter((one) => !followed.has(one) && !["taken", "rejected"].includes(this.#quotes.get(one).following));
    this.#wanted = wanted;
    if (gone.length) this.stream.unfollow(gone);
    gone.forEach((one) => this.#kinds.delete(one));
    for (const symbol of gone) this.#quotes.patch(symbol, { following: "idle", reason: null });
    if (fresh.length) {
      for (const symbol of fresh) this.#quotes.patch(symbol, { following: "asked", reason: null });
      this.stream.follow(fresh);
    }
    this.name(wanted);
    // What had no room may have some now.
    if (gone.length) this.#retry();
  }

  #retry() { this.again(this.#wanted.filter((one) => this.#quotes.get(one).following === "rejected" && this.#quotes.get(one).reason === "quota_exceeded")); }

  /** Ask for symbols once more that were taken or refused. */
  again(symbols) {
    if (!symbols.length) return;
    for (const symbol of symbols) this.#quotes.patch(symbol, { following: "asked", reason: null });
    this.stream.follow(symbols);
  }

  /** Follow a symbol in another one's room. */
  exchange(gone, symbol) {
    this.stream.unfollow([gone]);
    this.#kinds.delete(gone);
    this.#quotes.patch(gone, { following: "rejected", reason: "quota_exceeded" });
    this.again([symbol]);
  }

  /** Also hear orders and trades of one symbol: the one whose book is on screen. */
  detail(symbol) {
    if (this.#detail === symbol) return;
    for (const kind of ["depth", "tick"]) {
      if (this.#detail) this.stream.without([this.#detail], kind);
      if (symbol) this.stream.also([symbol], kind);
    }
    this.#detail = symbol;
  }

  /** Learn names, price steps and lots of products. */
  async name(symbols) {
    const unknown = symbols.filter((one) => !this.#named.has(one));
    unknown.forEach((one) => this.#named.add(one));
    for (const some of parts(unknown)) {
      try {
        const { results } = await this.#rest(`/v1/instruments?${new URLSearchParams({ q: some.join(","), limit: "3" })}`);
        results.forEach(({ items }, at) => { const one = items.find(({ symbol }) => symbol === some[at]); if (one) this.know(one); });
      } catch { some.forEach((one) => this.#named.delete(one)); }
    }
  }

  /** Names and price steps of rows that are gone are asked for again when they come back. */
  forget(symbols) { for (const symbol of symbols) this.#named.delete(symbol); }

  /** Take what a search has told of a product. */
  know({ symbol, name_zh, name_en, market, kind, lot, price_steps: steps }) {
    this.#named.add(symbol);
    this.#quotes.patch(symbol, { name_zh, name_en, market, kind, lot, steps });
  }

  async #rest(path) { return ask(this.stream.url, path, await this.stream.token()); }

  #bar({ symbol, interval, data }) { if (!interval || interval === "1.5s") this.#quotes.bar(symbol, data); }

  #answer(message) {
    switch (message.type) {
      case "welcome":
        Object.assign(this.markets, message.markets);
        this.#on.market();
        return this.#quota(message.quota);
      case "status":
        if (message.market) {
          this.markets[message.market] = { ...this.markets[message.market], presumed: false, ...message };
          return this.#on.market();
        }
        return void this.#quotes.patch(message.symbol, { state: message.state });
      case "subscribed": return this.#subscribed(message);
      case "unsubscribed": return this.#quota(message.quota);
      case "quota_changed": return this.#quotaChanged(message);
      case "quote": return this.#quotes.quote(message.symbol, message.data);
      case "depth": return this.#on.depth(message.symbol, message.data);
      case "tick": return this.#on.trade(message.symbol, message.seq, message.data);
      case "snapshot": return message.data.forEach((one) => this.#quotes.snapshot(one));
      case "expiring": case "error": case "slow_reader": case "announcement": return this.#on.told(message.type, message);
    }
  }

  #quota({ used, max_subs: most }) {
    this.#most = most ?? this.#most;
    this.#on.told("quota", { used, most: this.#most });
  }

  #subscribed({ added, current, rejected, quota }) {
    this.#quota(quota);
    for (const symbol of current) if (this.#quotes.get(symbol).following !== "followed") this.#quotes.patch(symbol, { following: "followed", reason: null });
    const kinds = rejected.filter(({ reason }) => ["type_not_allowed", "level_not_allowed", "interval_not_allowed"].includes(reason));
    for (const { symbol, reason } of rejected) {
      if (!current.includes(symbol)) this.#quotes.patch(symbol, { following: "rejected", reason });
    }
    if (kinds.some(({ symbol }) => symbol === this.#detail)) this.#on.told("no_book", {});
    const others = rejected.filter((one) => !current.includes(one.symbol));
    if (others.length) this.#on.told("rejected", { symbols: others });
    if (added.length) this.#begun(added);
  }

  async #begun(symbols) {
    const fresh = symbols.filter((one) => !this.#kinds.has(one));
    fresh.forEach((one) => this.#kinds.set(one, true));
    if (fresh.length) this.stream.also(fresh, "quote");
    this.#on.told("begun", { symbols });
    this.stream.snapshot(symbols); // it comes to `answer` as well
    for (const some of parts(symbols)) {
      try {
        const { data } = await this.#rest(`/v1/market/intraday?symbols=${some.join(",")}`);
        for (const { symbol, lines } of data) this.#quotes.minutes(symbol, lines.map(({ price }) => +price));
      } catch { /* without the day's minutes the line begins now */ }
    }
    this.#askStatistics(symbols);
  }

  async #askStatistics(symbols) {
    for (const some of parts(symbols)) {
      try {
        const { data } = await this.#rest(`/v1/statistics?symbols=${some.join(",")}`);
        for (const one of data) this.#quotes.patch(one.symbol, { limitUp: one.limit_up, limitDown: one.limit_down, statistics: one });
      } catch { /* asked again in some minutes */ }
    }
  }

  #quotaChanged({ max_subs: most, used, dropped = [] }) {
    const taken = dropped.length > 0 && most === this.#most;
    this.#quota({ used, max_subs: most });
    // After `taken` a program of the customer's follows them; after a smaller plan there is no room for them.
    for (const symbol of dropped) this.#quotes.patch(symbol, taken ? { following: "taken", reason: null } : { following: "rejected", reason: "quota_exceeded" });
    dropped.forEach((one) => this.#kinds.delete(one));
    this.#on.told(taken ? "taken" : "plan", { symbols: dropped, most });
    if (!dropped.length) this.#retry();
  }
}
