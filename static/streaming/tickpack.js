// A stream of bars that comes back by itself, where it left off. No dependencies.
//
//   const stream = new Tickpack(["wss://a/ws/stock", "wss://b/ws/stock"], token, { bar, state, answer, gap, recovered });
//   stream.follow(["600519.SH"]); stream.unfollow(["600519.SH"]); stream.close();
//
//   for await (const bar of new Tickpack(url, token, {}, { symbols: ["600519.SH"], signal })) draw(bar);
//   for await (const { bars, live } of stream.chart("600519.SH", "1m", { bars: 500 })) live ? update(bars) : setData(bars);
//
// A page that stays open for days gives `async () => token` instead of a token: it is asked before each connection, and
// with `{ refused: true }` once more when its token was refused.
//
// Every bar is handed out once and in order; bars that were missed are asked for, and what cannot be had is told by
// `gap`. The token goes into the subprotocols: browsers cannot set headers. The Python client, streaming/client/lanes.py
// and routes.py, decides by the same rules; what holds for one must hold for the other.

import { Charts, iterated } from "./charts.js";
import { BASE, Lanes } from "./lanes.js";
import { Routes, httpBase, readHint } from "./routes.js";
import { Silence } from "./silence.js";

/** @typedef {{open: number, high: number, low: number, close: number, volume: number, amount: number|null, timestamp: string}} Data */
/** @typedef {{type: "kline", symbol: string, seq: number, interval?: string, data: Data}} Bar */
/** @typedef {{lane: string, since: number|string|null, first: number|null, reason: string}} Gap bars after `since` are missing, before `first` where that is known */
/**
 * @typedef {object} Handlers
 * @property {(bar: Bar) => void} [bar] every kline, once and in order
 * @property {(message: object) => void} [answer] everything else that the node says
 * @property {(name: "connecting"|"open"|"waiting"|"ended", detail?: string|number, error?: Error) => void} [state] `waiting` with seconds, `ended` with why; the error's `code` is of a close (4401) or HTTP (401), its `why` a word of the node (subscription_expired)
 * @property {(gap: Gap) => void} [gap] bars are missing here: epoch_changed, trimmed, ahead, no_stream, broken_off, clock_went_back, away_too_long, unsupported, unanswered
 * @property {(whole: {lane: string, since: number|string, seq: number}) => void} [recovered] no 1.5 s bar is missing up to `seq`
 */
/**
 * @typedef {object} Options
 * @property {string[]} [symbols] followed from the beginning
 * @property {string[]} [intervals] for example ["1.5s", "1m"]
 * @property {boolean} [fill] false: no bars of windows without a trade
 * @property {number|string|Object<string, number|string>} [since] where to begin: a seq, an ISO time, or one seq a lane
 * @property {AbortSignal} [signal] ends the stream
 * @property {number} [queue] how many bars may wait for a `for await`; then the newest of each symbol is kept
 * @property {number} [resumeWithin] after a longer absence (s) begin live and say the gap away_too_long
 * @property {number} [silent] seconds without a message after which a connection is given up; 10 at most while bars are due
 * @property {number} [firstWait] bound of the first wait (s); it doubles to longestWait
 * @property {number} [longestWait]
 */

const FINAL = new Map([ // the same token will not do better
  [4401, "the token was revoked or the subscription has ended"], [4403, "the node forbids this connection"],
  [4409, "a newer connection has replaced this one"], [4410, "its owner has ended this connection"],
]);
const OPEN_MS = 8000;
const HEALTH_MS = 2000;
const ASK_AGAIN_MS = 2000; // after `unavailable`

/** Bars that wait for a `for await`: all of them in order, and beyond the limit the newest of each symbol. */
export class Backlog {
  skipped = 0;
  #limit; #bars = []; #at = 0; #newest = null; #waiting = []; #end = null;

  constructor(limit) { this.#limit = limit; }

  put(bar) {
    if (this.#waiting.length) return void this.#waiting.shift().resolve({ value: bar, done: false });
    if (!this.#newest && this.#bars.length - this.#at < this.#limit) return void this.#bars.push(bar);
    if (!this.#newest) {
      this.#newest = new Map();
      this.#bars.slice(this.#at).forEach((one) => this.#conflate(one));
      this.#bars = [];
      this.#at = 0;
    }
    this.#conflate(bar);
  }

  #conflate(bar) {
    const key = `${bar.symbol} ${bar.interval ?? BASE}`;
    if (this.#newest.delete(key)) this.skipped += 1;
    this.#newest.set(key, bar);
  }

  next() {
    if (this.#newest) {
      const [[key, value]] = this.#newest;
      this.#newest.delete(key);
      if (!this.#newest.size) this.#newest = null;
      return Promise.resolve({ value, done: false });
    }
    if (this.#at < this.#bars.length) {
      const value = this.#bars[this.#at++];
      if (this.#at > 1000 || this.#at === this.#bars.length) { this.#bars.splice(0, this.#at); this.#at = 0; }
      return Promise.resolve({ value, done: false });
    }
    if (this.#end) return this.#end.error ? Promise.reject(this.#end.error) : Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  end(error = null) {
    this.#end ??= { error };
    for (const { resolve, reject } of this.#waiting.splice(0)) error ? reject(error) : resolve({ value: undefined, done: true });
  }
}

export class Tickpack {
  #lanes; #routes; #token; #used = null; #refused = false; #more = new Map(); #asked = new Set(); #charts; #on; #options; #backlog = null;
  #socket = null; #timers = new Set(); #pulse = 0; #lostAt = null; #ended = false; #end = null; #skippedByNode = 0;

  /**
   * @param {string|string[]} urls one or more addresses of one node group; the one that answers first is taken
   * @param {string|((how: {refused: boolean}) => Promise<string>)} token; what it throws with `final` ends the stream
   * @param {Handlers} [handlers] without `bar`, bars wait for a `for await`
   * @param {Options} [options]
   */
  constructor(urls, token, handlers = {}, options = {}) {
    const addresses = [urls].flat();
    if (!addresses.length || !addresses.every((url) => /^wss?:\/\/[^/]/.test(url))) throw new TypeError("a stream's address begins with ws:// or wss://");
    const nothing = () => {};
    this.#on = { answer: nothing, state: nothing, gap: nothing, recovered: nothing, ...handlers };
    this.#options = { queue: 10000, resumeWithin: Infinity, silent: 40, ...options };
    this.#token = token;
    this.#lanes = new Lanes(options);
    this.#routes = new Routes(addresses, options);
    const stream = this;
    this.#charts = new Charts({
      get url() { return stream.url; }, get open() { return stream.#isOpen; },
      token: () => stream.token(), ask: (message) => stream.#ask(message), settled: (symbol) => stream.#lanes.settled(symbol), lastOf: (symbol) => stream.#lanes.lastOf(symbol),
    });
    if (!handlers.bar) this.#backlog = new Backlog(this.#options.queue);
    if (options.signal?.aborted) return void this.close();
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
    this.#begin();
  }

  /** What is followed, in the node's spelling once it has answered. */
  get symbols() { return [...this.#lanes.wanted]; }

  /** The address in use, or tried next. */
  get url() { return this.#routes.url; }

  /** How many bars were left out because this page, or the wire to it, was too slow. */
  get skipped() { return this.#skippedByNode + (this.#backlog?.skipped ?? 0); }

  get #isOpen() { return this.#socket?.readyState === WebSocket.OPEN; }

  /** The token in use, for the node's REST; asked for where there is none yet. @returns {Promise<string>} */
  async token() { return this.#used ??= await this.#fresh(); }

  async #fresh() { return typeof this.#token === "function" ? this.#token({ refused: this.#refused }) : this.#token; }

  follow(symbols) { this.#send(this.#lanes.follow(symbols)); }

  unfollow(symbols) { this.#send(this.#lanes.unfollow(symbols)); }

  /** Also hear kinds of symbols that are followed: "quote", "tick", "depth". They come to `answer`, after a cut again. */
  also(symbols, kind) {
    this.#more.set(kind, new Set([...(this.#more.get(kind) ?? []), ...symbols]));
    this.#askKind(symbols, kind);
  }

  without(symbols, kind) {
    const gone = symbols.filter((symbol) => this.#more.get(kind)?.delete(symbol) && this.#lanes.wanted.has(symbol));
    if (gone.length) this.#ask({ action: "unsubscribe", symbols: gone, types: [kind] });
  }

  #askKind(symbols, kind) {
    const wanted = symbols.filter((symbol) => this.#lanes.wanted.has(symbol));
    for (let at = 0; at < wanted.length; at += 500) this.#ask({ action: "subscribe", symbols: wanted.slice(at, at + 500), types: [kind] });
  }

  /** The newest values of symbols that are followed. @returns {Promise<object[]>} as the node's `snapshot` tells them */
  async snapshot(symbols) { return (await this.#ask({ action: "snapshot", symbols }))?.data ?? []; }

  /**
   * Begin a chart of a symbol that is followed: history, then the window of 72 h, then live, without gap or double.
   * @param {{bars?: number}} [options] how many bars at most
   * @param {(part: import("./charts.js").Part) => void} [take] without it the answer is iterated
   * @returns an async iterator of parts, or where `take` is given a handle; both with close() and earlier(before: s)
   */
  chart(symbol, interval = BASE, options = {}, take = null) {
    const begin = (taker) => this.#charts.chart(symbol, interval, options, taker);
    return take ? begin(take) : iterated(begin);
  }

  #ask(message) {
    if (!this.#isOpen) return Promise.resolve(null);
    return new Promise((resolve) => {
      const done = (answer) => { this.#asked.delete(done); resolve(answer); };
      this.#asked.add(done);
      this.#send([this.#lanes.ask(message, done)]);
    });
  }

  /** Leave out what is not wanted any more without asking the node, which has refused or dropped it. */
  forget(symbols) { this.#lanes.drop(symbols); }

  close() { this.#stop(null); }

  [Symbol.asyncIterator]() {
    this.#backlog ??= new Backlog(this.#options.queue);
    if (this.#ended) this.#backlog.end(this.#end);
    const backlog = this.#backlog;
    return { next: () => backlog.next(), return: () => { this.close(); return Promise.resolve({ value: undefined, done: true }); } };
  }

  #stop(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#end = error;
    this.#timers.forEach(clearTimeout);
    this.#charts.close();
    this.#leave();
    this.#backlog?.end(error);
    if (error) this.#on.state("ended", error.message, error);
  }

  #leave() {
    clearInterval(this.#pulse);
    const socket = this.#socket;
    this.#socket = null;
    [...this.#asked].forEach((done) => done(null));
    if (!socket) return;
    // Its close may take a minute where the peer is gone; whatever it still says is not for us.
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  #later(seconds, what) {
    const timer = setTimeout(() => { this.#timers.delete(timer); what(); }, seconds * 1000);
    this.#timers.add(timer);
  }

  #send(messages) {
    if (this.#isOpen) messages.forEach((message) => this.#socket.send(JSON.stringify(message)));
  }

  async #begin() {
    this.#on.state("connecting");
    const { urls } = this.#routes;
    // A plain GET: racing connections of one token would push its older ones out.
    if (urls.length > 1) await Promise.any(urls.map((url) => this.#isWell(url))).then((url) => this.#routes.prefer(url), () => {});
    if (!this.#ended) this.#connect();
  }

  async #isWell(url) {
    const answer = await fetch(`${httpBase(url)}/healthz`, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(HEALTH_MS) });
    if (!answer.ok || (await answer.json()).draining) throw new Error(`${url} is not ready`);
    return url;
  }

  #connect() {
    if (typeof this.#token !== "function") return void this.#open(this.#token);
    this.#fresh().then((token) => { if (!this.#ended) this.#open(token); }, (error) => {
      if (this.#ended) return;
      if (error.final) return void this.#stop(error);
      this.#wait(this.#routes.failed(Date.now() / 1000));
    });
  }

  #open(token) {
    this.#used = token;
    const socket = this.#socket = new WebSocket(this.#routes.url, ["bearer", token]);
    const began = Date.now(), { silent, intervals = [], fill = true } = this.#options;
    const silence = new Silence(silent, fill && (!intervals.length || intervals.includes(BASE)));
    let heard = 0, suspected = -1;
    this.#pulse = setInterval(() => {
      const now = Date.now();
      if (heard ? now - heard <= silence.limit() * 1000 : now - began <= OPEN_MS) return;
      // A page that was frozen has messages waiting behind this timer: it looks once more.
      if (suspected === heard) this.#lost(heard > 0, 1006, "");
      suspected = heard;
    }, Math.min(1000, silent * 250));
    socket.onopen = () => {
      heard = Date.now();
      this.#on.state("open");
      const away = this.#lostAt === null ? 0 : (Date.now() - this.#lostAt) / 1000;
      const { messages, gaps } = this.#lanes.subscribe(away > this.#options.resumeWithin);
      gaps.forEach((gap) => { this.#charts.gap(gap.lane); this.#on.gap(gap); });
      this.#send(messages);
      for (const [kind, symbols] of this.#more) this.#askKind([...symbols], kind);
      this.#charts.opened();
    };
    socket.onmessage = (event) => {
      heard = this.#lostAt = Date.now();
      const message = JSON.parse(event.data);
      silence.heard(message, heard / 1000);
      this.#take(message);
    };
    socket.onclose = (event) => this.#lost(heard > 0, event.code, event.reason);
  }

  #take(message) {
    if (message.type === "welcome") { this.#routes.welcomed(); this.#refused = false; }
    if (this.#charts.past(message, message.type === "kline" ? this.#lanes.lastOf(message.symbol) : -1)) return;
    if (message.type === "slow_reader") this.#skippedByNode += message.skipped;
    const socket = this.#socket;
    for (const [kind, value] of this.#lanes.take(message)) {
      if (kind === "send") this.#send([value]);
      else if (kind === "later") this.#later(ASK_AGAIN_MS / 1000, () => { if (this.#socket === socket) this.#send([this.#lanes.retry(value)]); });
      else if (kind !== "bar") {
        if (kind === "gap") this.#charts.gap(value.lane);
        this.#on[kind](value);
      } else {
        this.#charts.bar(value);
        this.#on.bar?.(value);
        this.#backlog?.put(value);
      }
    }
  }

  async #lost(opened, code, reason) {
    this.#leave();
    if (FINAL.has(code) && !(code === 4401 && this.#mayAskAnew)) {
      const error = Object.assign(new Error(`${FINAL.get(code)} (${code})`), { code });
      if (code === 4401 && typeof this.#token === "function") error.why = (await this.#whyRefused())?.why;
      return void this.#stop(error);
    }
    let told = readHint(reason), wait = null;
    const now = Date.now() / 1000;
    const refusal = opened ? null : await this.#whyRefused();
    if (this.#ended) return;
    if ((code === 4401 || refusal?.why) && this.#mayAskAnew) {
      this.#refused = true; // a page's own token lasts for hours: the next one may be good
      return void this.#connect();
    }
    if (refusal?.sentence) {
      wait = this.#routes.refused(now);
      if (wait === null) return void this.#stop(Object.assign(new Error(refusal.sentence), { code: 401, why: refusal.why }));
    } else wait = this.#routes.failed(now, refusal ?? told);
    this.#wait(wait, code);
  }

  get #mayAskAnew() { return typeof this.#token === "function" && !this.#refused; }

  #wait(wait, code) {
    this.#on.state("waiting", Math.ceil(wait), code === undefined ? undefined : Object.assign(new Error(`closed with ${code}`), { code }));
    this.#later(wait, () => { this.#on.state("connecting"); this.#connect(); });
  }

  // A browser is not told why an upgrade was refused; the node's page about this token's use says it.
  async #whyRefused() {
    try {
      const answer = await fetch(`${httpBase(this.url)}/v1/usage`, {
        headers: { Authorization: `Bearer ${this.#used}` }, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(HEALTH_MS),
      });
      const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
      if (answer.status !== 401 && answer.status !== 403) return { retryAfter };
      const { message, code } = await answer.json();
      if (code === "token_not_yet_valid") return { retryAfter }; // the node's clock is behind: waiting mends it
      return { retryAfter, sentence: `${message} (${code})`, why: code };
    } catch {
      return null; // the node is away, or its answer is none
    }
  }
}
