// Closed bars out of a node's history, in the form in which a chart has them: `time` in s since 1970. No socket.
import { BASE } from "./lanes.js";
import { httpBase } from "./routes.js";

const MOST = 1000; // of one answer
const TRIES = 3;
const WAIT_MS = 10_000;

/** @typedef {{time: number, open: number, high: number, low: number, close: number, volume: number, amount: number|null}} ChartBar `time`: where it opened; of 1.5 s where it ended */

/** A bar of the stream as a chart has it. @returns {ChartBar} */
export function ofStream({ data: { timestamp, ...values } }) {
  return { time: Date.parse(timestamp) / 1000, ...values };
}

/** A bar of history as a chart has it. @returns {ChartBar} */
export function ofHistory({ time, open, high, low, close, volume, quote_volume: amount }) {
  return { time: time / 1000, open: +open, high: +high, low: +low, close: +close, volume: +volume, amount: amount === undefined ? null : +amount };
}

/** Ask a node's REST; wait and ask again where it says so. @returns {Promise<any>} its JSON; throws an Error with `status` and `code` */
export async function ask(url, path, token, { signal } = {}) {
  for (let tries = 1; ; tries += 1) {
    let status = 0, body = null, wait = 1;
    try {
      const limit = AbortSignal.timeout(WAIT_MS);
      const answer = await fetch(httpBase(url) + path, {
        headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit",
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      if (answer.ok) return await answer.json();
      status = answer.status;
      wait = Math.min(Number(answer.headers.get("Retry-After")) || 1, 10);
      body = await answer.json();
    } catch (error) {
      if (signal?.aborted) throw error;
    }
    const passing = status === 0 || status === 429 || status === 503;
    if (!passing || tries >= TRIES) throw Object.assign(new Error(body?.message ?? "the node did not answer"), { status, code: body?.code });
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

/**
 * Return closed bars, oldest first; none of 1.5 s, which are in the stream alone.
 * @param {{bars?: number, before?: number, signal?: AbortSignal}} [options] `before`: s since 1970; the newest without it
 * @returns {Promise<ChartBar[]>}
 */
export async function closedBars(url, token, symbol, interval, { bars = 500, before, signal } = {}) {
  if (interval === BASE) return [];
  const query = new URLSearchParams({ symbol, interval, limit: String(Math.min(bars, MOST)) });
  if (before !== undefined) query.set("end_time", String(Math.round(before * 1000)));
  const { data } = await ask(url, `/v1/market/kline?${query}`, token, { signal });
  return data.klines.map(ofHistory);
}
