// Which address a client tries next, and when. streaming/client/routes.py is the same in Python.

const LONGEST_ASKED_S = 300; // what a node may ask for by retry_after
const STREAM_PATH = "/ws/stock"; // below a node's base, which may have a path of its own

/** Which address comes next, and when; no socket, no clock. */
export class Routes {
  #routes; #current; #tries = 0; #firstWait; #longestWait; #chance;

  constructor(urls, { firstWait = 0.5, longestWait = 20, chance = Math.random } = {}) {
    this.#routes = [...new Set(urls)].map((url) => ({ url, failures: 0, notBefore: 0, refused: false }));
    this.#current = this.#routes[0];
    Object.assign(this, { urls: this.#routes.map(({ url }) => url) });
    this.#firstWait = firstWait; this.#longestWait = longestWait; this.#chance = chance;
  }

  get url() { return this.#current.url; }

  prefer(fastest) {
    this.#current = this.#routes.find(({ url }) => url === fastest) ?? this.#current;
    this.#routes.sort((one, other) => (other === this.#current) - (one === this.#current));
  }

  welcomed() { this.#tries = 0; this.#current.failures = 0; }

  /** Choose the next address; return the seconds to wait before it: full jitter, and what a node asked for. */
  failed(now, { retryAfter = 0, hint = null } = {}) {
    const route = this.#current;
    route.failures += 1;
    route.notBefore = now + Math.min(Math.max(0, retryAfter), LONGEST_ASKED_S);
    const open = this.#routes.filter(({ refused }) => !refused), atOnce = open.filter(({ notBefore }) => notBefore <= now);
    const least = (routes, weight) => routes.reduce((best, one) => (weight(one) < weight(best) ? one : best));
    this.#current = this.#hinted(hint) ?? (atOnce.length ? least(atOnce, (one) => one.failures + (one === route) / 2) : least(open, (one) => one.notBefore));
    // A thousand browsers that lost one node do not come back in one moment.
    const jitter = this.#chance() * Math.min(this.#longestWait, this.#firstWait * 2 ** Math.min(this.#tries++, 30));
    return Math.max(0, this.#current.notBefore - now) + jitter;
  }

  /** The node refused us for good. Return the wait before another one, or null: no one is left. */
  refused(now) {
    this.#current.refused = true;
    return this.#routes.every(({ refused }) => refused) ? null : this.failed(now);
  }

  #hinted(hint) {
    // A token that travels encrypted must not be led onto a bare wire.
    if (!hint || !/^wss?:\/\/[^/]/.test(hint) || (this.#current.url.startsWith("wss:") && !hint.startsWith("wss:"))) return null;
    let route = this.#routes.find(({ url }) => url === hint);
    if (!route) this.#routes.push(route = { url: hint, failures: 0, notBefore: 0, refused: false });
    return route === this.#current || route.refused ? null : route;
  }
}

/** Where the node of a stream's address answers HTTP: a proxy's path before the stream's own counts. */
export function httpBase(url) {
  const { origin, pathname } = new URL(url.replace(/^ws/, "http"));
  return origin + (pathname.endsWith(STREAM_PATH) ? pathname.slice(0, -STREAM_PATH.length) : "");
}

/** Read the close reason of a draining node. @returns {{retryAfter: number, hint: string|null}} */
export function readHint(reason) {
  try {
    const told = JSON.parse(reason), asked = Number(told.retry_after);
    return { retryAfter: asked > 0 && Number.isFinite(asked) ? asked : 0, hint: typeof told.url === "string" ? told.url : null };
  } catch {
    return { retryAfter: 0, hint: null };
  }
}
