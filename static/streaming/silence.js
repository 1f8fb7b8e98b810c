// For how long a node may say nothing. streaming/client/silence.py is the same in Python, and says why.
import { laneOf } from "./lanes.js";

const BRISK_S = 10, BRISK_GAP_S = 5;

/** What one connection has heard of its markets; no socket, no clock. */
export class Silence {
  #states = new Map([["TEST", "open"]]); // TEST.CN always moves, and its market is not told
  #moving = new Map(); // market -> symbols that have bars
  #last = new Map(); // market -> [seq of its newest bar, when it came]
  #brisk = new Map();
  #silent; #barsDue;

  constructor(silent, barsDue) { this.#silent = silent; this.#barsDue = barsDue; }

  heard(message, now) {
    const { type, symbol, seq, market, state } = message;
    if (type === "welcome") for (const [name, told] of Object.entries(message.markets ?? {})) this.#states.set(name, told.state);
    else if (type === "status" && symbol !== undefined) {
      if (state !== "trading") this.#moving.get(laneOf(symbol))?.delete(symbol);
    } else if (type === "status") {
      this.#states.set(market, state);
      if (state !== "open") this.#moving.delete(market);
    } else if (type === "kline" && message.interval === undefined) {
      const name = laneOf(symbol), before = this.#last.get(name);
      if (!this.#moving.has(name)) this.#moving.set(name, new Set());
      this.#moving.get(name).add(symbol);
      if (before?.[0] !== seq) {
        this.#brisk.set(name, before !== undefined && now - before[1] <= BRISK_GAP_S);
        this.#last.set(name, [seq, now]);
      }
    } else if (message.current) {
      const current = new Set(message.current);
      for (const symbols of this.#moving.values()) symbols.forEach((one) => current.has(one) || symbols.delete(one));
    }
  }

  limit() {
    const due = ([name, symbols]) => symbols.size && this.#brisk.get(name) && this.#states.get(name) === "open";
    return this.#barsDue && [...this.#moving].some(due) ? Math.min(BRISK_S, this.#silent) : this.#silent;
  }
}
