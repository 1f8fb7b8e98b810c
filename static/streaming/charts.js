// Charts of a stream: history, then what the 72 h window has behind it, then live, as one row without gap or double.
//
// Longer intervals come out of history up to some seconds ago; the window tells from the opening of its newest bar on.
// Bars of 1.5 s are in the window alone. One question for past bars is under way at a time, and none while the stream
// itself catches up, so that each `resumed` is known for whose it is.
import { closedBars, ofStream } from "./history.js";
import { BASE, laneOf } from "./lanes.js";

const WINDOW_S = 1.5;
const ANSWER_MS = 20_000; // for a question about the window
const LOOK_MS = 100;
const HELD = 2000; // bars that may wait for their history

/** @typedef {{bars: import("./history.js").ChartBar[], live: boolean, error?: Error}} Part not live: all there is, instead of what was told before */

/** Put parts of a row together by time; the later one counts. @returns {import("./history.js").ChartBar[]} oldest first, at most `most` */
export function joined(most, ...rows) {
  const byTime = new Map(rows.flat().map((bar) => [bar.time, bar]));
  return [...byTime.values()].sort((one, other) => one.time - other.time).slice(-most);
}

class Chart {
  loading = true; held = []; last = null; abort = new AbortController();

  constructor(symbol, interval, most, take) { Object.assign(this, { symbol, interval, most, take }); }

  heard(bar) {
    if (!this.loading) return this.tell([bar]);
    this.held.push(bar);
    if (this.held.length > HELD) this.held.shift();
  }

  tell(bars) {
    this.last = Math.max(this.last ?? 0, bars.at(-1).time);
    this.take({ bars, live: true });
  }

  begin(bars, error = null) {
    const all = joined(this.most, bars, this.held);
    Object.assign(this, { loading: false, held: [], last: all.at(-1)?.time ?? null });
    this.take({ bars: all, live: false, ...(error ? { error } : {}) });
  }
}

export class Charts {
  #charts = new Set(); #stream; #connection = 0; #turn = Promise.resolve(); #past = null;

  /** @param {{url: string, token: () => Promise<string>, ask: (message: object) => Promise<object|null>, settled: (symbol: string) => boolean, lastOf: (symbol: string) => number, open: boolean}} stream */
  constructor(stream) { this.#stream = stream; }

  /** Begin a chart; what it tells goes to `take`. @param {(part: Part) => void} take @returns {{close: () => void, earlier: (before: number) => Promise<object[]>}} */
  chart(symbol, interval, { bars = 500 } = {}, take = () => {}) {
    const chart = new Chart(symbol, interval, bars, take);
    this.#charts.add(chart);
    this.#load(chart);
    return {
      close: () => this.#close(chart),
      earlier: async (before) => closedBars(this.#stream.url, await this.#stream.token(), symbol, interval, { bars, before, signal: chart.abort.signal }),
    };
  }

  /** A connection is open: ask for what its predecessor was asked for. */
  opened() {
    this.#connection += 1;
    this.#past?.done();
    for (const chart of this.#charts) {
      if (chart.loading || chart.interval === BASE) { if (chart.loading) this.#load(chart); } else this.#follow(chart, chart.last);
    }
  }

  /** Bars are missing in a lane, or its clock went back: its charts begin anew. */
  gap(lane) {
    for (const chart of this.#charts) if (laneOf(chart.symbol) === lane) this.#load(chart);
  }

  /** Hear a message before the stream does; return whether it is about the past, and the stream has it already. */
  past(message, last) {
    const past = this.#past;
    if (!past) return false;
    if (message.type === "resumed" && message.market === past.lane) past.done();
    if (message.type !== "kline" || message.symbol !== past.symbol || (message.interval ?? BASE) !== BASE) return false;
    past.bars.push(ofStream(message));
    return message.seq <= last;
  }

  /** Take a bar that the stream hands out. */
  bar(message) {
    const interval = message.interval ?? BASE;
    for (const chart of this.#charts) if (chart.symbol === message.symbol && chart.interval === interval) chart.heard(ofStream(message));
  }

  close() { for (const chart of this.#charts) chart.abort.abort(); this.#charts.clear(); }

  #close(chart) {
    chart.abort.abort();
    if (!this.#charts.delete(chart) || chart.interval === BASE) return;
    const others = [...this.#charts].some(({ symbol, interval }) => symbol === chart.symbol && interval === chart.interval);
    if (!others && this.#stream.open) this.#stream.ask({ action: "unsubscribe", symbols: [chart.symbol], intervals: [chart.interval] });
  }

  async #load(chart) {
    const load = chart.load = {}, at = this.#connection;
    // What was asked on a connection that is gone is asked anew on the next one: `opened` comes back to it.
    const goesOn = () => this.#charts.has(chart) && chart.load === load && this.#stream.open && at === this.#connection;
    chart.loading = true;
    if (!this.#stream.open) return;
    let bars = [], failed = null;
    try {
      if (chart.interval === BASE) bars = await this.#queued(() => goesOn() ? this.#window(chart) : []);
      else {
        bars = await closedBars(this.#stream.url, await this.#stream.token(), chart.symbol, chart.interval, { bars: chart.most, signal: chart.abort.signal });
      }
    } catch (error) { failed = error; }
    if (!goesOn()) return;
    chart.begin(bars, failed);
    if (chart.interval !== BASE) this.#follow(chart, chart.last);
  }

  /** Ask how a longer interval stands, and how it stood since the opening of the newest bar that is known. */
  #follow({ symbol, interval }, from) {
    const message = { action: "subscribe", symbols: [symbol], intervals: [interval] };
    if (from !== null && !["1d", "1w", "1M"].includes(interval)) message.since = { [laneOf(symbol)]: Math.floor(from / WINDOW_S) };
    // The answer to `since` ends with a `resumed`, as the stream's own do: it takes its turn.
    this.#queued(async () => {
      const lane = laneOf(symbol), at = this.#connection;
      if (!(await this.#quiet(symbol, at))) return;
      const answer = await this.#stream.ask(message);
      if (!answer?.resume?.[lane]?.recovered || at !== this.#connection) return;
      await this.#resumed({ lane, symbol: null, bars: [] });
    });
  }

  async #window({ symbol, most }) {
    const at = this.#connection, lane = laneOf(symbol);
    if (!(await this.#quiet(symbol, at))) return [];
    let newest = this.#stream.lastOf(symbol);
    if (newest < 0) newest = (await this.#stream.ask({ action: "snapshot", symbols: [symbol] }))?.data?.[0]?.seq ?? 0;
    if (newest <= 0 || at !== this.#connection) return [];
    let since = Math.max(0, newest - most);
    for (let tries = 0; tries < 2; tries += 1) {
      const past = { lane, symbol, bars: [] };
      const answer = await this.#stream.ask({ action: "subscribe", symbols: [symbol], since: { [lane]: since } });
      const told = answer?.resume?.[lane];
      if (told?.recovered && at === this.#connection) return this.#resumed(past);
      if (!told?.first || at !== this.#connection) return [];
      since = told.first - 1;
    }
    return [];
  }

  /** Wait until a replay of ours is over. @returns {Promise<import("./history.js").ChartBar[]>} what it brought */
  #resumed(past) {
    return new Promise((resolve) => {
      const done = past.done = () => { clearTimeout(timer); if (this.#past === past) this.#past = null; resolve(past.bars); };
      const timer = setTimeout(done, ANSWER_MS);
      this.#past = past;
    });
  }

  async #quiet(symbol, at) {
    for (let waited = 0; waited < ANSWER_MS; waited += LOOK_MS) {
      if (at !== this.#connection || !this.#stream.open) return false;
      if (this.#stream.settled(symbol)) return true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return false;
  }

  #queued(what) {
    const turn = this.#turn.then(what);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

/** The same as an async iterator: all there is first, then what has changed since it was last asked. */
export function iterated(begin) {
  let waiting = null, parts = [], ended = false;
  const handle = begin((part) => {
    const before = parts.at(-1);
    // Nobody reads: what changed is kept once a bar, so that it is bounded by the chart itself.
    if (part.live && before) before.bars = joined(Infinity, before.bars, part.bars);
    else parts = [part];
    waiting?.();
  });
  return {
    [Symbol.asyncIterator]() { return this; },
    async next() {
      while (!parts.length && !ended) await new Promise((resolve) => { waiting = resolve; });
      return parts.length ? { value: parts.shift(), done: false } : { value: undefined, done: true };
    },
    async return() { ended = true; handle.close(); waiting?.(); return { value: undefined, done: true }; },
    earlier: handle.earlier,
    close() { ended = true; handle.close(); waiting?.(); },
  };
}
