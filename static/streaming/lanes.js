// What a client knows of its place in the stream, and what to ask for after a cut. No socket, no clock.
//
// A lane (CN, HK, TEST) has one cursor in a request, but a cut may fall between two symbols of one window, so the place
// is kept per symbol and interval, and the cursor is that of the one that is furthest behind. What a resume sends twice
// for the others is dropped here. streaming/client/lanes.py is the same in Python; what holds for one must hold for both.

const MOST_SYMBOLS = 500; // of one request
export const BASE = "1.5s";
// A symbol that says nothing (halted, or without fill) is taken to be complete up to a minute before its lane's newest
// bar; else one halted stock would have every reconnect replay the whole day.
const REACH = 40;
const MOST_TRIES = 3; // to have what is left of a resume

/** Return the lane of a symbol as people write it: HSI and 700.hk are HK. @param {string} symbol */
export function laneOf(symbol) {
  const name = symbol.trim().toUpperCase();
  if (name === "TEST.CN") return "TEST";
  return name.endsWith(".HK") || !name.includes(".") ? "HK" : "CN";
}

class Lane {
  epoch = null; guessed = false; newest = null; replays = 0; since = null; until = null; askedAgain = 0; behind = false;
  brokenOff = false; tries = 0;
  last = new Map(); // track -> seq handed out
  floor = new Map(); // track -> complete up to here
  formed = new Map(); // track of a longer interval -> [opened at, seq]

  forget() {
    this.newest = null;
    this.behind = false;
    [this.last, this.floor, this.formed].forEach((places) => places.clear());
  }

  cursor() {
    if (!this.floor.size) return null;
    const lowest = Math.min(...this.floor.values());
    return this.replays || this.askedAgain || this.newest === null ? lowest : Math.max(lowest, this.newest - REACH);
  }
}

/** What is followed and the place in each lane; no socket, no clock. `take` gives [kind, value] pairs. */
export class Lanes {
  wanted = new Set();
  #lanes = { CN: new Lane(), HK: new Lane(), TEST: new Lane() };
  #inFlight = []; // requests, answered in order
  #first = {}; #intervals; #fill;

  constructor({ symbols = [], intervals = [], fill = true, since = null } = {}) {
    symbols.forEach((symbol) => this.wanted.add(symbol));
    this.#intervals = intervals;
    this.#fill = fill;
    if (since !== null) this.#first = typeof since === "object" ? { ...since } : { CN: since, HK: since, TEST: since };
  }

  /** Return what to send on a new connection, and the gaps that this leaves open. */
  subscribe(awayTooLong = false) {
    this.#inFlight = [];
    const since = {}, gaps = [];
    for (const [name, lane] of Object.entries(this.#lanes)) {
      const cursor = lane.cursor();
      Object.assign(lane, { replays: 0, askedAgain: 0, behind: false, until: null, brokenOff: false });
      if (awayTooLong && cursor !== null) {
        gaps.push({ lane: name, since: cursor, first: null, reason: "away_too_long" });
        lane.floor.clear();
      } else if (cursor !== null) since[name] = cursor;
      else if (name in this.#first) since[name] = this.#first[name];
    }
    const groups = new Map(); // one request takes one timestamp or a seq for each lane
    for (const symbol of this.wanted) {
      const value = since[laneOf(symbol)], key = typeof value === "string" ? value : null;
      groups.set(key, [...(groups.get(key) ?? []), symbol]);
    }
    return { messages: [...groups.values()].flatMap((symbols) => this.#parts(symbols, since)), gaps };
  }

  follow(symbols) {
    symbols.forEach((symbol) => this.wanted.add(symbol));
    return this.#parts(symbols, {});
  }

  unfollow(symbols) {
    this.drop(symbols);
    if (!symbols.length) return [];
    this.#inFlight.push({ action: "unsubscribe", symbols, since: {} });
    return [{ action: "unsubscribe", symbols }];
  }

  // -- beside the stream: kinds and past bars of single symbols, which a page asks for. Here alone; a program opens a
  //    stream of its own for each.

  /** Note a request of somebody else's, whose answer goes to `done`. @param {(message: object|null) => void} done null: an error */
  ask(message, done = () => {}) {
    for (const symbol of message.symbols ?? []) for (const interval of message.intervals ?? []) {
      this.#lanes[laneOf(symbol)].formed.delete(`${symbol} ${interval}`); // it is told anew how it stands
    }
    this.#inFlight.push({ action: message.action, symbols: message.symbols ?? [], since: {}, done });
    return message;
  }

  /** The newest seq of a symbol that was handed out, else -1. */
  lastOf(symbol) { return this.#lanes[laneOf(symbol)].last.get(`${symbol} ${BASE}`) ?? -1; }

  /** Whether no replay of a symbol's lane is under way or asked for. */
  settled(symbol) {
    const name = laneOf(symbol), { replays, askedAgain, behind } = this.#lanes[name];
    return !replays && !askedAgain && !behind && !this.#inFlight.some(({ since }) => name in since);
  }

  retry(request) { return this.#subscribe(request.symbols, request.since, request.tries); }

  drop(symbols) {
    symbols.forEach((symbol) => this.wanted.delete(symbol));
    this.#prune();
  }

  #parts(symbols, since, tries = 0) {
    const messages = [];
    for (let at = 0; at < symbols.length; at += MOST_SYMBOLS) messages.push(this.#subscribe(symbols.slice(at, at + MOST_SYMBOLS), since, tries));
    return messages;
  }

  #subscribe(symbols, since, tries = 0) {
    const lanes = new Set(symbols.map(laneOf));
    const asked = Object.fromEntries(Object.entries(since).filter(([name]) => lanes.has(name)));
    this.#inFlight.push({ action: "subscribe", symbols, since: asked, tries });
    const message = { action: "subscribe", symbols };
    const [value] = Object.values(asked);
    if (value !== undefined) {
      message.since = typeof value === "string" ? value : asked;
      message.epoch = {};
      for (const name of Object.keys(asked)) if (this.#lanes[name].epoch) message.epoch[name] = this.#lanes[name].epoch;
    }
    if (this.#intervals.length) message.intervals = this.#intervals;
    if (!this.#fill) message.fill = false;
    return message;
  }

  /** Return what a message means: bar, answer, gap, recovered; send now, later. @returns {[string, any][]} */
  take(message) {
    switch (message.type) {
      case "kline": return this.#bar(message);
      case "resumed": return this.#resumed(message);
      case "subscribed": return [["answer", message], ...this.#subscribed(message)];
      case "snapshot": {
        const { done } = this.#answered("snapshot");
        done?.(message);
        break;
      }
      case "unsubscribed": {
        this.#answered("unsubscribe").done?.(message);
        const coming = new Set(this.#inFlight.filter(({ action }) => action === "subscribe").flatMap(({ symbols }) => symbols));
        this.drop(message.removed.filter((symbol) => !coming.has(symbol)));
        break;
      }
      case "quota_changed": this.drop(message.dropped ?? []); break;
      case "error": return [["answer", message], ...this.#error(message)];
      case "welcome": case "heartbeat":
        return [...Object.entries(message.epoch ?? {}).flatMap(([name, epoch]) => this.#epoch(name, epoch)), ["answer", message]];
      case "status":
        if (message.epoch) return [...this.#epoch(message.market, message.epoch), ["answer", message]];
    }
    return [["answer", message]];
  }

  #bar(message) {
    const { symbol, seq } = message, name = laneOf(symbol), lane = this.#lanes[name], told = [];
    const interval = message.interval ?? BASE, track = `${symbol} ${interval}`;
    if (interval !== BASE) {
      // How a longer bar stands: the end of one and the beginning of the next come with the same window.
      const { timestamp } = message.data, [opened, at] = lane.formed.get(track) ?? ["", 0];
      if (!this.wanted.has(symbol) || timestamp < opened || (timestamp === opened && seq <= at)) return told;
      lane.formed.set(track, [timestamp, seq]);
      return [["bar", message]];
    }
    if (lane.askedAgain || !this.wanted.has(symbol)) return told;
    const last = lane.last.get(track);
    if (last !== undefined && seq <= last) {
      if (lane.replays || lane.behind || seq > last - REACH) return told; // we have it
      // Older than anything we asked for, and `seq` only rises within an epoch: this is another one.
      lane.forget();
      lane.guessed = true;
      told.push(["gap", { lane: name, since: last, first: seq, reason: "clock_went_back" }]);
    }
    if (!lane.replays && (lane.newest === null || seq > lane.newest)) {
      for (const one of this.#tracks(name)) if (!lane.floor.has(one)) lane.floor.set(one, seq - 1);
    }
    lane.newest = Math.max(lane.newest ?? seq, seq);
    lane.last.set(track, seq);
    lane.floor.set(track, seq);
    told.push(["bar", message]);
    return told;
  }

  #resumed({ market: name, seq, recovered = true }) {
    const lane = this.#lanes[name];
    if (!lane?.replays) return [];
    lane.replays -= 1;
    lane.brokenOff ||= !recovered;
    lane.until = Math.min(lane.until ?? seq, seq);
    if (lane.replays) return [];
    const { until, since, brokenOff } = lane;
    Object.assign(lane, { until: null, since: null, brokenOff: false });
    this.#raise(name, until);
    if (brokenOff) return this.#goOn(name, until);
    Object.assign(lane, { newest: Math.max(lane.newest ?? 0, until), tries: 0 });
    return since === null ? [] : [["recovered", { lane: name, since, seq: until }]];
  }

  /** Ask for the rest of a replay that the node has broken off. */
  #goOn(name, until) {
    const lane = this.#lanes[name];
    lane.tries += 1;
    if (lane.tries > MOST_TRIES) {
      lane.tries = 0;
      return [this.#lost(name, until, null, "broken_off")];
    }
    lane.newest = until;
    const messages = this.#parts([...this.wanted].filter((symbol) => laneOf(symbol) === name), { [name]: until }, 1);
    lane.askedAgain += messages.length;
    return messages.map((message) => ["send", message]);
  }

  #subscribed(message) {
    const request = this.#answered("subscribe");
    const leaving = new Set(this.#inFlight.filter(({ action }) => action === "unsubscribe").flatMap(({ symbols }) => symbols));
    request.symbols.forEach((symbol) => this.wanted.delete(symbol)); // as it was written, or refused
    message.current.forEach((symbol) => { if (!leaving.has(symbol)) this.wanted.add(symbol); });
    this.#prune();
    request.done?.(message);
    const refused = new Set(message.rejected.map(({ symbol }) => symbol));
    return Object.entries(request.since).flatMap(([name, since]) => {
      const symbols = request.symbols.filter((symbol) => laneOf(symbol) === name && !refused.has(symbol));
      if (message.resume?.[name]) return this.#answerOf(name, message.resume[name], request, symbols);
      return symbols.length ? [this.#lost(name, since, null, "unanswered")] : [];
    });
  }

  #answerOf(name, answer, request, symbols) {
    const lane = this.#lanes[name], asked = request.since[name];
    if (request.tries) lane.askedAgain -= 1;
    if (answer.reason === "store_unavailable") {
      lane.askedAgain += 1;
      return [["later", { action: "subscribe", symbols, since: { [name]: asked }, tries: Math.max(1, request.tries) }]];
    }
    const since = typeof asked === "number" ? asked : answer.since ?? asked; // the answer has the seq of a timestamp
    delete this.#first[name];
    const epoch = answer.epoch || lane.epoch, other = lane.epoch !== null && epoch !== lane.epoch;
    lane.epoch = epoch;
    lane.guessed = false;
    if (other) lane.forget();
    if (answer.recovered) {
      lane.replays += 1;
      lane.since = since;
      if (typeof since === "number") this.#raise(name, since);
      // In another epoch it cannot be whole, whatever it is called.
      return other ? [["gap", { lane: name, since, first: null, reason: "epoch_changed" }]] : [];
    }
    const first = answer.first ?? null, reason = answer.reason ?? "unknown";
    lane.behind = reason === "ahead" || reason === "no_stream";
    if (lane.behind) return [["gap", { lane: name, since, first, reason }]];
    const told = [this.#lost(name, since, first, reason)];
    if (first === null || request.tries >= MOST_TRIES || !symbols.length) return told;
    // What there is can still be had; live frames that come before it are dropped, for it brings them too.
    lane.askedAgain += 1;
    for (const track of this.#tracks(name)) lane.floor.set(track, first - 1);
    return [...told, ["send", this.#subscribe(symbols, { [name]: first - 1 }, request.tries + 1)]];
  }

  #error({ code }) {
    // An error answers the oldest request: the node answers in order, and we ask for nothing else.
    if (this.#inFlight[0]?.done) this.#inFlight.shift().done(null);
    else if (this.#inFlight[0]?.action === "subscribe") return this.#refused(code);
    return [];
  }

  #refused(code) {
    const request = this.#inFlight.shift();
    if (code === "unavailable") return [["later", request]];
    if (code !== "unsupported" || !Object.keys(request.since).length) return [];
    const gaps = Object.entries(request.since).map(([name, since]) => {
      delete this.#first[name];
      if (request.tries) this.#lanes[name].askedAgain -= 1;
      return this.#lost(name, since, null, "unsupported");
    });
    return [...gaps, ["send", this.#subscribe(request.symbols, {})]];
  }

  #epoch(name, epoch) {
    const lane = this.#lanes[name];
    if (!lane || epoch === lane.epoch) return [];
    if (this.#inFlight.some(({ since }) => name in since)) return []; // the answer tells; until then we have the old one
    const known = lane.epoch, { guessed } = lane;
    lane.epoch = epoch;
    lane.guessed = false;
    if (guessed || known === null) return [];
    const since = lane.cursor(), formed = lane.formed.size > 0;
    lane.forget();
    Object.assign(lane, { replays: 0, since: null, until: null, brokenOff: false });
    return since === null && !formed ? [] : [["gap", { lane: name, since, first: null, reason: "epoch_changed" }]];
  }

  #lost(name, since, first, reason) {
    this.#lanes[name].floor.clear();
    this.#lanes[name].newest = null;
    return ["gap", { lane: name, since, first, reason }];
  }

  #raise(name, seq) {
    const { floor } = this.#lanes[name];
    for (const track of this.#tracks(name)) floor.set(track, Math.max(floor.get(track) ?? seq, seq));
  }

  #tracks(name) {
    if (this.#intervals.length && !this.#intervals.includes(BASE)) return []; // nobody replays how a longer bar stood
    return [...this.wanted].filter((symbol) => laneOf(symbol) === name).map((symbol) => `${symbol} ${BASE}`);
  }

  #answered(action) {
    return this.#inFlight[0]?.action === action ? this.#inFlight.shift() : { symbols: [], since: {} };
  }

  #prune() {
    for (const { last, floor, formed } of Object.values(this.#lanes)) {
      for (const places of [last, floor, formed]) for (const track of places.keys()) if (!this.wanted.has(track.split(" ")[0])) places.delete(track);
    }
  }
}
