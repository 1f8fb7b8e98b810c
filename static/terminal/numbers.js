// How values are written: prices by the product's own step, large numbers short, times of Shanghai. Pure.

/** The least price step that holds at a price. @param {[number, number][]} steps from this price on, the step */
export function stepAt(steps, price) {
  let found = steps?.[0]?.[1] ?? 0.01;
  for (const [from, step] of steps ?? []) if (price >= from - 1e-9) found = step;
  return found;
}

/** How many decimals a step needs: 0.01 two, 0.005 three, 0.5 one, 1 none. */
export function decimalsOf(step) {
  for (let decimals = 0; decimals < 5; decimals += 1) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6) return decimals;
  }
  return 4;
}

export function decimalsAt(steps, price) { return decimalsOf(stepAt(steps, price)); }

const EMPTY = "–";

/** A price with the decimals of its step; a dash where there is none. */
export function price(value, decimals) { return value === null || value === undefined || !(value > 0) ? EMPTY : value.toFixed(decimals); }

/** A difference with its sign: +0.12, −0.12, 0.00. */
export function signed(value, decimals) {
  if (value === null || value === undefined || Number.isNaN(value)) return EMPTY;
  const text = Math.abs(value).toFixed(decimals);
  return Number(text) === 0 ? text : (value > 0 ? "+" : "−") + text;
}

export function percent(value) { return value === null || value === undefined ? EMPTY : `${signed(value, 2)}%`; }

/** Make a writer of large numbers: 12.3M, or 1230万 where the reader counts so. */
export function compacter(locale) {
  const format = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 2 });
  return (value) => (value === null || value === undefined ? EMPTY : format.format(value));
}

const SHANGHAI_MS = 8 * 3600_000; // no summer time since 1991
const two = (number) => String(number).padStart(2, "0");
const at = (ms) => new Date(ms + SHANGHAI_MS);

/** 09:30:01 in Shanghai. */
export function clock(ms) {
  if (!ms) return EMPTY;
  const moment = at(ms);
  return `${two(moment.getUTCHours())}:${two(moment.getUTCMinutes())}:${two(moment.getUTCSeconds())}`;
}

/** 2026-03-10 in Shanghai. */
export function day(ms) {
  const moment = at(ms);
  return `${moment.getUTCFullYear()}-${two(moment.getUTCMonth() + 1)}-${two(moment.getUTCDate())}`;
}

/** The number of the day in Shanghai, for telling days apart. */
export function dayNumber(ms) { return Math.floor((ms + SHANGHAI_MS) / 86_400_000); }

/** What a chart's axis writes. @param {number} kind 0 year, 1 month, 2 day, 3 time, 4 time with seconds */
export function axisMark(seconds, kind, chinese) {
  const moment = at(seconds * 1000), month = moment.getUTCMonth() + 1, date = moment.getUTCDate();
  if (kind === 0) return chinese ? `${moment.getUTCFullYear()}年` : String(moment.getUTCFullYear());
  if (kind === 1) return chinese ? `${month}月` : ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month - 1];
  if (kind === 2) return chinese ? `${month}-${date}` : `${date}/${month}`;
  const time = clock(seconds * 1000);
  return kind === 3 ? time.slice(0, 5) : time;
}

/** A moment for a legend: with seconds for 1.5 s, the day alone for days and longer. */
export function momentOf(seconds, interval) {
  const ms = seconds * 1000;
  if (["1d", "1w"].includes(interval)) return day(ms);
  if (interval === "1M") return day(ms).slice(0, 7);
  return `${day(ms)} ${interval === "1.5s" ? clock(ms) : clock(ms).slice(0, 5)}`;
}

/** A span of time in whole units for "in {n} …": [number, unit]. */
export function spanOf(seconds) {
  if (seconds >= 2 * 86_400) return [Math.floor(seconds / 86_400), "days"];
  if (seconds >= 2 * 3600) return [Math.floor(seconds / 3600), "hours"];
  return seconds >= 120 ? [Math.floor(seconds / 60), "minutes"] : [Math.max(0, Math.floor(seconds)), "seconds"];
}
