// Watch lists as they stand on the account: every device has the same. No page; what it says comes back as errors.

const KEY = "tickpack-list"; // which of them this device shows; the lists themselves are the account's

/** A list that nobody has made yet: the symbol that is free for everybody. */
export const FIRST = { id: null, name: "", symbols: ["TEST.CN"], link: null };

export class Lists {
  all = []; current = FIRST; limits = { most_lists: 50, most_symbols: 500 };
  #base; #csrf; #changed; #firstName; #turn = Promise.resolve(); #waiting = new Set();

  /** @param {string} base address of the lists @param {() => string} csrf @param {() => void} changed hears of each change @param {string} firstName of the list that the first change makes */
  constructor(base, csrf, changed, firstName) { this.#firstName = firstName; this.#base = base; this.#csrf = csrf; this.#changed = changed; window.addEventListener("pagehide", () => this.#sendWhatWaits()); }

  async load() {
    const { lists, ...limits } = await this.#ask("GET", this.#base);
    this.limits = limits;
    this.all = lists;
    // A list that a link has just added comes before the one that this device showed last.
    const wanted = [new URLSearchParams(window.location.search).get("list"), localStorage.getItem(KEY)];
    this.#chosen(wanted.map((one) => lists.find(({ id }) => id === one)).find(Boolean) ?? lists[0] ?? FIRST);
  }

  choose(id) { this.#chosen(this.all.find((one) => one.id === id) ?? FIRST); }

  /** Make a list and show it. */
  make(name, symbols = []) {
    return this.#queued(async () => {
      const made = await this.#ask("POST", this.#base, { name, symbols });
      this.all = [...this.all, made];
      this.#chosen(made);
    });
  }

  add(symbols) { return this.#change({ add: symbols }, (list) => [...new Set([...list, ...symbols])]); }

  remove(symbols) { return this.#change({ remove: symbols }, (list) => list.filter((one) => !symbols.includes(one))); }

  order(symbols) { return this.#change({ order: symbols }, () => symbols); }

  rename(name) { return this.#change({ name }); }

  share(shared) { return this.#change({ shared }); }

  drop() {
    const { id } = this.current;
    return this.#queued(async () => {
      await this.#ask("POST", `${this.#base}${id}/remove`, {});
      this.all = this.all.filter((one) => one.id !== id);
      this.#chosen(this.all[0] ?? FIRST);
    });
  }

  /** Show a change at once, and then what the account says of it. */
  #change(asked, shown = null) {
    const { id } = this.current;
    if (id === null && !asked.add && !asked.name) return Promise.resolve();
    const before = this.current.symbols;
    if (shown) { this.current = { ...this.current, symbols: shown(before) }; this.#changed(); }
    const change = { id, asked };
    this.#waiting.add(change);
    return this.#queued(async () => {
      if (!this.#waiting.delete(change)) return;
      if (id === null && this.current.id === null) {
        const made = await this.#ask("POST", this.#base, { name: asked.name ?? this.#firstName, symbols: this.current.symbols });
        this.all = [...this.all, made];
        return this.#chosen(made);
      }
      try {
        this.#told(await this.#ask("POST", `${this.#base}${id ?? this.current.id}/`, asked));
      } catch (error) {
        if (shown && this.current.id === id) { this.current = { ...this.current, symbols: before }; this.#changed(); }
        throw error;
      }
    });
  }

  // A page that goes away waits for no answer: what stands behind one is sent at once, and outlives the page.
  #sendWhatWaits() {
    for (const change of this.#waiting) {
      const id = change.id ?? this.current.id;
      if (id !== null) { this.#waiting.delete(change); this.#ask("POST", `${this.#base}${id}/`, change.asked).catch(() => {}); }
    }
  }

  #told(list) {
    this.all = this.all.map((one) => (one.id === list.id ? list : one));
    if (this.current.id === list.id) this.#chosen(list);
  }

  #chosen(list) {
    this.current = list;
    if (list.id) localStorage.setItem(KEY, list.id);
    this.#changed();
  }

  // One after the other: the first change of all makes the list that the second one is made to.
  #queued(what) {
    const turn = this.#turn.then(what);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #ask(method, address, body) {
    let answer;
    try {
      answer = await fetch(address, { method, headers: { "Content-Type": "application/json", "X-CSRFToken": this.#csrf() }, body: body && JSON.stringify(body), redirect: "manual", cache: "no-store", keepalive: true });
    } catch { throw Object.assign(new Error("unreachable"), { code: "panel_unreachable" }); }
    // Who is not logged in any more is led to the door, which is no answer to a script.
    if (answer.type === "opaqueredirect" || answer.status === 403) throw Object.assign(new Error("logged out"), { code: "logged_out" });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.message ?? String(answer.status)), { code: told.code ?? "panel_failed", ...told });
    return told;
  }
}
