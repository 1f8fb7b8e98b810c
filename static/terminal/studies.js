// What is drawn over a chart and in which colour, out of its bars. Pure.
import { dayNumber } from "./numbers.js";

/**
 * Write into each bar whether it rises: 1, -1, or 0 before anything has moved. One that closes where it opened, as most of
 * 1.5 s do, has the colour of the move that led to it.
 * @param {number} from the first one to be written
 */
export function mood(bars, from = 0) {
  for (let at = from; at < bars.length; at += 1) {
    const { open, close } = bars[at], before = bars[at - 1];
    bars[at].mood = Math.sign(close - open) || (before ? Math.sign(close - before.close) || before.mood : 0);
  }
  return bars;
}

/** The mean of the last `length` closes at an index, else null. */
export function meanAt(bars, length, index) {
  if (index + 1 < length) return null;
  let sum = 0;
  for (let at = index - length + 1; at <= index; at += 1) sum += bars[at].close;
  return sum / length;
}

/** Moving averages of closes, one point a bar from the `length`th on: [{time, value}]. */
export function movingAverage(bars, length) {
  const points = [];
  let sum = 0;
  bars.forEach(({ time, close }, index) => {
    sum += close;
    if (index >= length) sum -= bars[index - length].close;
    if (index + 1 >= length) points.push({ time, value: sum / length });
  });
  return points;
}

function traded({ open, high, low, close, volume, amount }) {
  // Where nobody tells the money, a bar counts at the middle of its prices.
  return amount === null || amount === undefined ? (volume * (open + high + low + close)) / 4 : amount;
}

/** The average price of the day so far, by volume; it begins anew with each day of the exchange. */
export class Vwap {
  #day = null; #volume = 0; #money = 0; #before = [0, 0]; #time = null; #first = null; #days = 0;

  /** Since when the day's average counts, where the bars began within the day: epoch seconds; else null. */
  get partial() { return this.#days === 1 ? this.#first : null; }

  /** Take a bar, a new one or the newest once more. @returns {number|null} */
  take(bar) {
    const day = dayNumber(bar.time * 1000);
    if (bar.time === this.#time) [this.#volume, this.#money] = this.#before;
    if (day !== this.#day) [this.#day, this.#volume, this.#money, this.#days] = [day, 0, 0, this.#days + 1];
    this.#first ??= bar.time;
    this.#before = [this.#volume, this.#money];
    this.#time = bar.time;
    this.#volume += bar.volume;
    this.#money += bar.volume ? traded(bar) : 0;
    return this.#volume ? this.#money / this.#volume : null;
  }
}

const BREAK_S = 40 * 60; // the shortest pause between two sessions is an hour

/** The times of bars that begin a day or a session. @param {number} seconds of a bar @returns {{time: number, day: boolean}[]} */
export function breaksOf(bars, seconds) {
  const found = [];
  for (let at = 1; at < bars.length; at += 1) {
    const before = bars[at - 1].time, { time } = bars[at];
    const day = dayNumber(before * 1000) !== dayNumber(time * 1000);
    if (day || time - before > seconds + BREAK_S) found.push({ time, day });
  }
  return found;
}
