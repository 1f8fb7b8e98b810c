// One, two or four charts side by side; one of them is the one that keys, list and order book speak to.
import { writeHead } from "./book.js";
import { Chart, INTERVALS } from "./chart.js";
import { emptinessOf } from "./emptiness.js";
import { nameOf, say, sayOr } from "./words.js";

const KEY = "tickpack-panes";
const MOST = 4;

export class Panes {
  #place; #template; #frames; #quotes; #stream; #on; #panes = []; #active = null; #count = 1;

  /** @param {{active: (symbol: string|null) => void, symbols: () => void, offered: () => string[], choose: () => void}} on `offered`: what empty charts may take, in order */
  constructor(place, quotes, frames, stream, on) {
    this.#place = place;
    this.#template = document.getElementById("pane");
    [this.#quotes, this.#frames, this.#stream, this.#on] = [quotes, frames, stream, on];
    const kept = this.#kept();
    this.#count = kept.count;
    for (const { symbol, interval } of kept.panes) this.#make(symbol, interval);
    this.#activate(this.#panes[0]);
    quotes.listen((changed) => {
      for (const pane of this.#panes) if (changed.includes(pane.symbol)) this.#frames.want(pane.write);
    });
  }

  get count() { return this.#count; }

  get symbol() { return this.#active.symbol; }

  get symbols() { return this.#panes.map(({ symbol }) => symbol).filter(Boolean); }

  get active() { return this.#active.chart; }

  /** Show a symbol in the chart that is active; null takes it away. */
  show(symbol) {
    if (this.#active.symbol === symbol) return;
    this.#set(this.#active, symbol, this.#active.interval);
    this.#on.active(symbol);
  }

  interval(name) { if (INTERVALS.includes(name)) this.#set(this.#active, this.#active.symbol, name); }

  /** Let so many charts stand side by side. */
  arrange(count) {
    this.#count = count;
    while (this.#panes.length < count) this.#make(null, this.#active.interval);
    while (this.#panes.length > count) {
      const pane = this.#panes.pop();
      pane.chart.close();
      pane.element.remove();
    }
    if (!this.#panes.includes(this.#active)) this.#activate(this.#panes[0]);
    this.fill();
    this.#place.dataset.count = String(count);
    this.#keep();
    this.#on.symbols();
  }

  /** Let charts that are empty take the next symbols that no chart shows yet; where there are no more they stay empty. */
  fill() {
    const shown = new Set(this.symbols), next = this.#on.offered().filter((one) => !shown.has(one));
    for (const pane of this.#panes) {
      if (pane.symbol || !next.length) continue;
      this.#set(pane, next.shift(), pane.interval);
      if (pane === this.#active) this.#on.active(pane.symbol);
    }
  }

  /** Show a symbol wherever another one stands. */
  exchange(gone, symbol) {
    for (const pane of this.#panes) if (pane.symbol === gone) this.#set(pane, symbol, pane.interval);
    if (this.#active.symbol === symbol) this.#on.active(symbol);
  }

  /** Take symbols away that no list has any more. */
  without(symbols) {
    for (const pane of this.#panes) if (symbols.includes(pane.symbol)) this.#set(pane, null, pane.interval);
  }

  fullScreen() {
    const { element } = this.#active;
    if (document.fullscreenElement) return void document.exitFullscreen();
    // Where there is none (phones), the page has the chart as large already.
    element.requestFullscreen?.().catch(() => {});
  }

  #make(symbol, interval) {
    const element = this.#template.content.firstElementChild.cloneNode(true), part = (name) => element.querySelector(`[data-part=${name}]`);
    const pane = { element, symbol: null, interval, stands: "", chart: new Chart({ canvas: part("canvas"), legend: part("legend") }, (stands) => { pane.stands = stands; this.#explain(pane); }, this.#frames) };
    element.chart = pane.chart;
    const head = { title: part("title"), symbol: part("symbol"), last: part("last"), change: part("change"), percent: part("percent") };
    pane.write = () => {
      if (!pane.symbol) return;
      const row = this.#quotes.get(pane.symbol);
      this.#explain(pane);
      part("head").title = `${nameOf(row)} ${pane.symbol}`; // a long one is cut
      writeHead(head, row, nameOf(row));
      pane.chart.priced(row.steps, row.last);
      pane.chart.previousClose(row.prev);
    };
    const buttons = part("intervals"), picker = part("pick");
    for (const name of INTERVALS) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: sayOr(`interval_${name.replace(".", "_")}`, name) });
      button.dataset.interval = name;
      button.addEventListener("click", () => { this.#activate(pane); this.#set(pane, pane.symbol, name); });
      buttons.append(button);
      picker.append(new Option(button.textContent, name));
    }
    picker.addEventListener("change", () => { this.#activate(pane); this.#set(pane, pane.symbol, picker.value); });
    part("act").addEventListener("click", () => {
      this.#activate(pane);
      if (pane.symbol) this.#set(pane, pane.symbol, "1.5s"); else this.#on.choose();
    });
    part("full").addEventListener("click", () => { this.#activate(pane); this.fullScreen(); });
    element.addEventListener("pointerdown", () => this.#activate(pane));
    element.addEventListener("focusin", () => this.#activate(pane));
    this.#panes.push(pane);
    this.#place.append(element);
    this.#set(pane, symbol, interval);
  }

  #activate(pane) {
    if (this.#active === pane) return;
    this.#active = pane;
    for (const one of this.#panes) one.element.classList.toggle("active", one === pane);
    this.#on.active(pane.symbol);
  }

  #set(pane, symbol, interval) {
    const before = pane.symbol;
    Object.assign(pane, { symbol, interval });
    pane.element.toggleAttribute("data-empty", symbol === null);
    pane.element.querySelector("[data-part=pick]").value = interval;
    for (const button of pane.element.querySelectorAll("[data-interval]")) button.setAttribute("aria-pressed", String(button.dataset.interval === interval));
    const row = symbol === null ? null : this.#quotes.get(symbol);
    pane.element.querySelector("[data-part=canvas]").setAttribute("aria-label", symbol ? say("chart_of", { name: nameOf(row), interval }) : say("chart_none"));
    pane.chart.show(this.#stream, symbol, interval, row?.steps, row?.last);
    if (symbol === null) for (const name of ["title", "symbol", "last", "change", "percent"]) pane.element.querySelector(`[data-part=${name}]`).textContent = "";
    pane.write();
    this.#keep();
    if (before !== symbol) this.#on.symbols();
  }

  /** Say in a chart's place why it shows nothing, with the button that helps. */
  #explain({ element, symbol, interval, stands, chart }) {
    const { following, reason } = symbol ? this.#quotes.get(symbol) : {};
    const [key, act] = emptinessOf({ symbol, interval, stands, following, reason, bars: chart?.bars.length ?? 0 });
    const text = key ? sayOr(key, say("chart_empty"), { interval: sayOr(`interval_${interval}`, interval) }) : "";
    const said = element.querySelector("[data-part=state]"), button = element.querySelector("[data-part=act]");
    if (said.textContent !== text) said.textContent = text;
    button.hidden = !act;
    if (act) button.textContent = say(`chart_act_${act}`);
  }

  /** Begin the charts of symbols anew, which were not followed when they were asked for. */
  again(symbols) {
    for (const pane of this.#panes) if (symbols.includes(pane.symbol) && pane.chart.canvas.dataset.state !== "drawn") this.#set(pane, pane.symbol, pane.interval);
  }

  #keep() {
    const panes = this.#panes.map(({ symbol, interval }) => ({ symbol, interval }));
    localStorage.setItem(KEY, JSON.stringify({ count: this.#count, panes }));
  }

  #kept() {
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(KEY) ?? "null"); } catch { /* a broken entry is as good as none */ }
    const count = [1, 2, MOST].includes(kept?.count) ? kept.count : 1;
    const panes = Array.isArray(kept?.panes) ? kept.panes.slice(0, count).map(({ interval }) => ({ symbol: null, interval: INTERVALS.includes(interval) ? interval : "1m" })) : [];
    while (panes.length < count) panes.push({ symbol: null, interval: "1m" });
    return { count, panes };
  }
}
