// A stream of bars that connects again by itself. No dependencies.
//
//   const stream = new Tickpack(url, token, {bar, state, answer});
//   stream.follow(["600519.SH"]); stream.unfollow(["600519.SH"]); stream.close();
//
// `bar(message)` gets every kline; `answer(message)` everything else; `state(name, detail)` one of
// connecting, open, waiting, ended. The token goes into the subprotocols: browsers cannot set headers.

const FINAL = new Set([4401, 4403, 4409]); // the same token will not do better
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20000;
const SILENT_MS = 40000; // a heartbeat comes every 15 s

export class Tickpack {
  #url; #token; #on; #socket = null; #symbols = new Set(); #tries = 0; #timer = 0; #watch = 0; #ended = false;

  constructor(url, token, handlers) {
    this.#url = url;
    this.#token = token;
    this.#on = handlers;
    this.#connect();
  }

  get symbols() { return [...this.#symbols]; }

  follow(symbols) {
    symbols.forEach((symbol) => this.#symbols.add(symbol));
    this.#send({ action: "subscribe", symbols });
  }

  unfollow(symbols) {
    symbols.forEach((symbol) => this.#symbols.delete(symbol));
    this.#send({ action: "unsubscribe", symbols });
  }

  // Leave out what the node has refused, so that a new connection does not ask for it again.
  forget(symbols) { symbols.forEach((symbol) => this.#symbols.delete(symbol)); }

  close() {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#socket?.close(1000);
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN && message.symbols.length) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    this.#on.state("connecting");
    const socket = this.#socket = new WebSocket(this.#url, ["bearer", this.#token]);
    socket.onopen = () => {
      this.#tries = 0;
      this.#on.state("open");
      this.#send({ action: "subscribe", symbols: this.symbols });
      this.#alive();
    };
    socket.onmessage = (event) => {
      this.#alive();
      const message = JSON.parse(event.data);
      (message.type === "kline" ? this.#on.bar : this.#on.answer)(message);
    };
    socket.onclose = (event) => {
      clearTimeout(this.#watch);
      if (this.#ended) return;
      if (FINAL.has(event.code)) {
        this.#ended = true;
        this.#on.state("ended", event.reason || String(event.code));
        return;
      }
      // Full jitter: a thousand browsers that lost one node do not come back in one moment.
      const wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries++) + 200;
      this.#on.state("waiting", Math.ceil(wait / 1000));
      this.#timer = setTimeout(() => this.#connect(), wait);
    };
  }

  #alive() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#socket?.close(4000, "silent"), SILENT_MS);
  }
}
