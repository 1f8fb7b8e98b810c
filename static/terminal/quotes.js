// The newest values of each symbol, and who wants to hear of them: at most once a frame, and of what changed alone.

const SPARK_MOST = 340; // minutes of a day; Hong Kong has 331

/** Run what is asked for before the next picture, each once, however often it was asked. */
export class Frames {
  #due = new Set(); #asked = false; #request;

  constructor(request = (run) => requestAnimationFrame(run)) { this.#request = request; }

  want(what) {
    this.#due.add(what);
    if (this.#asked) return;
    this.#asked = true;
    this.#request(() => {
      this.#asked = false;
      const due = [...this.#due];
      this.#due.clear();
      due.forEach((run) => run());
    });
  }
}

/** @typedef {"asked"|"followed"|"taken"|"rejected"|"idle"} Following idle: in the list, and not followed */

export class Quotes {
  #rows = new Map(); #changed = new Set(); #listeners = new Set(); #frames;
  #tell = () => {
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#listeners.forEach((listener) => listener(changed));
  };

  constructor(frames) { this.#frames = frames; }

  /** @param {(symbols: string[]) => void} listener hears once a frame which symbols have changed */
  listen(listener) { this.#listeners.add(listener); }

  get(symbol) {
    let row = this.#rows.get(symbol);
    if (!row) {
      row = { symbol, name_zh: "", name_en: "", steps: [[0, 0.01]], following: "idle", reason: null, state: "trading", spark: [], at: 0 };
      this.#rows.set(symbol, row);
    }
    return row;
  }

  has(symbol) { return this.#rows.has(symbol); }

  patch(symbol, values) {
    const row = this.get(symbol);
    let differs = false;
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined || row[key] === value) continue;
      row[key] = value;
      differs = true;
    }
    if (differs) this.#touch(symbol);
    return row;
  }

  /** Forget rows that no list shows, so that a page that stays open for days keeps to its lists; return which. */
  keep(symbols) {
    const wanted = new Set(symbols), gone = [...this.#rows.keys()].filter((one) => !wanted.has(one));
    for (const symbol of gone) this.#rows.delete(symbol);
    return gone;
  }

  /** A quote: the whole day so far. */
  quote(symbol, { last, prev_close: prev, open, high, low, volume, amount, bid, ask, timestamp }) {
    this.patch(symbol, { last, prev, open, high, low, volume, amount, bid, ask, at: Date.parse(timestamp), following: "followed" });
    this.#minute(symbol, last);
  }

  /** What a node's snapshot tells of a symbol. */
  snapshot({ symbol, state, data, day }) {
    const at = data ? Date.parse(data.timestamp) : undefined, { last, prev_close: prev, open, high, low, volume, amount } = day ?? {};
    this.patch(symbol, { state, last: last ?? data?.close, prev, open, high, low, volume, amount, at });
  }

  /** A bar of 1.5 s: a day without quotes is added up from it. */
  bar(symbol, { close, high, low, volume, timestamp }) {
    const row = this.get(symbol), at = Date.parse(timestamp);
    if (at < row.at - 3600_000) Object.assign(row, { at: 0, spark: [] }); // a recording began again
    if (at <= row.at) return;
    const more = volume ? { high: Math.max(row.high ?? high, high), low: Math.min(row.low || low, low) } : {};
    this.patch(symbol, { last: close, at, ...more, following: "followed" });
    this.#minute(symbol, close);
  }

  /** The day's minutes so far, for the spark line. @param {number[]} closes oldest first */
  minutes(symbol, closes) {
    const row = this.get(symbol);
    row.spark = closes.slice(-SPARK_MOST);
    row.sparkAt = 0;
    this.#touch(symbol);
  }

  #minute(symbol, last) {
    const row = this.#rows.get(symbol), minute = Math.floor(row.at / 60_000);
    if (row.sparkAt === minute && row.spark.length) row.spark[row.spark.length - 1] = last;
    else {
      row.spark.push(last);
      row.sparkAt = minute;
      if (row.spark.length > SPARK_MOST) row.spark.shift();
    }
  }

  #touch(symbol) {
    this.#changed.add(symbol);
    this.#frames.want(this.#tell);
  }
}

/** The change against the previous close: [difference, percent], nulls where that is unknown. */
export function changeOf({ last, prev }) {
  if (!(last > 0) || !(prev > 0)) return [null, null];
  return [last - prev, ((last - prev) / prev) * 100];
}

/** "up", "down" or "": what a price is against the previous close. */
export function moodOf(value, prev) {
  if (!(value > 0) || !(prev > 0) || value === prev) return "";
  return value > prev ? "up" : "down";
}

/** Whether a product stands at a limit that its source tells: "up", "down" or "". */
export function limitOf({ last, limitUp, limitDown }) {
  if (!(last > 0)) return "";
  if (limitUp > 0 && last >= limitUp - 1e-9) return "up";
  return limitDown > 0 && last <= limitDown + 1e-9 ? "down" : "";
}

const VALUES = {
  name: (row) => row.symbol, last: (row) => row.last, change: (row) => changeOf(row)[0], percent: (row) => changeOf(row)[1],
  volume: (row) => row.volume, amount: (row) => row.amount, high: (row) => row.high, low: (row) => row.low, at: (row) => row.at || null,
};

/** Return symbols in the order of a column; what has no value comes last both ways. */
export function sorted(rows, column, ascending) {
  const value = VALUES[column], sign = ascending ? 1 : -1;
  return [...rows].sort((one, other) => {
    const a = value(one) ?? null, b = value(other) ?? null;
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  });
}
