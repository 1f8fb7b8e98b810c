// One chart: candles, volume below them, moving averages, the day's average price, the previous close, session breaks.
import { createChart, CandlestickSeries, CrosshairMode, HistogramSeries, LineSeries, LineStyle } from "../vendor/lightweight-charts/lightweight-charts-5.2.1.standalone.production.mjs";
import { SessionBreaks } from "./breaks.js";
import { looks, whenLooksChange } from "./looks.js";
import * as numbers from "./numbers.js";
import { Vwap, breaksOf, meanAt, mood, movingAverage } from "./studies.js";
import { chinese, locale, say } from "./words.js";

export const INTERVALS = ["1.5s", "1m", "5m", "15m", "30m", "1h", "1d", "1w", "1M"];
const SECONDS = { "1.5s": 1.5, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600 };
const LENGTHS = [5, 10, 20];
const MOST = 1500; // bars; a page that stays open for days keeps so many, and the rest comes back when it is scrolled to
const EARLIER = 40; // bars left of the screen at which more are asked for
const compact = numbers.compacter(locale);

export class Chart {
  #api; #candles; #volumes; #means; #vwapLine; #breaks; #previous = null; #legend; #bars = []; #stream = null; #vwap = new Vwap();
  #averages = new Map(); #decimals = 2; #step = 0.01; #handle = null; #more = null; #frames; #over = null; #state; #unpaint; #closed = false; #reading = () => this.#writeLegend(); #prev = null;
  symbol = null; interval = "1m";

  /**
   * @param {{canvas: HTMLElement, legend: HTMLElement}} parts of the page
   * @param {(what: string) => void} state hears how the chart stands: "loading", "empty", "failed", or "" once it is drawn
   * @param {import("./quotes.js").Frames} frames
   */
  constructor({ canvas, legend }, state, frames) {
    Object.assign(this, { canvas });
    this.#legend = legend;
    this.#state = state;
    this.#frames = frames;
    this.#api = createChart(canvas, {
      autoSize: true,
      // Our own visible link stands below: the library's injects a style element, which the page's policy refuses.
      layout: { attributionLogo: false, background: { color: "transparent" }, fontFamily: "inherit", fontSize: 12, panes: { enableResize: true } },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false }, timeScale: { borderVisible: false, rightOffset: 3, barSpacing: 7 },
      localization: { locale },
    });
    const line = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false, lineWidth: 1 };
    this.#candles = this.#api.addSeries(CandlestickSeries, { borderVisible: false });
    this.#means = LENGTHS.map(() => this.#api.addSeries(LineSeries, line));
    this.#vwapLine = this.#api.addSeries(LineSeries, { ...line, lineStyle: LineStyle.Dashed });
    this.#volumes = this.#api.addSeries(HistogramSeries, { priceFormat: { type: "custom", formatter: compact, minMove: 1 }, priceLineVisible: false, lastValueVisible: false }, 1);
    const [upper, lower] = this.#api.panes();
    upper.setStretchFactor(4);
    lower.setStretchFactor(1);
    this.#breaks = new SessionBreaks(() => looks().mark);
    this.#candles.attachPrimitive(this.#breaks);
    this.#api.subscribeCrosshairMove(({ time, point }) => { this.#over = point ? time ?? null : null; this.#frames.want(this.#reading); });
    this.#api.timeScale().subscribeVisibleLogicalRangeChange((range) => { if (range && range.from < EARLIER) this.#earlier(); });
    this.#paint();
    this.#unpaint = whenLooksChange(() => { this.#paint(); this.#draw(); });
  }

  /** What the chart's axis writes, as people see it; tests read it. */
  get format() { return { decimals: this.#decimals, step: this.#step }; }

  get bars() { return this.#bars; }

  /** Show a symbol's bars of an interval out of a stream; null takes the chart away. */
  show(stream, symbol, interval, steps, lastPrice) {
    this.#handle?.close();
    Object.assign(this, { symbol, interval });
    this.#stream = stream;
    this.#bars = [];
    this.#more = null;
    this.#draw();
    this.#stands(symbol === null ? "none" : "loading");
    this.priced(steps, lastPrice);
    const seconds = interval === "1.5s", days = !(interval in SECONDS);
    this.#api.applyOptions({
      timeScale: { timeVisible: !days, secondsVisible: seconds, tickMarkFormatter: (time, kind) => numbers.axisMark(time, kind, chinese) },
      localization: { timeFormatter: (time) => numbers.momentOf(this.#exact(time), interval) },
    });
    this.#handle = symbol === null ? null : stream.chart(symbol, interval, { bars: seconds ? 1000 : 500 }, (part) => this.#take(part));
  }

  /** Write prices with the step that holds at this price: two labels of an axis are never the same. */
  priced(steps, lastPrice) {
    const step = numbers.stepAt(steps, lastPrice ?? 0), decimals = numbers.decimalsOf(step);
    if (step === this.#step && decimals === this.#decimals) return;
    this.#step = step;
    this.#decimals = decimals;
    // Not the step itself: the library would write a line at 384.5 as 384.6 where the step is 0.2.
    const minMove = 10 ** -decimals;
    for (const one of [this.#candles, ...this.#means, this.#vwapLine]) one.applyOptions({ priceFormat: { type: "price", precision: decimals, minMove } });
  }

  /** Draw the previous close; null takes it away. */
  previousClose(value) {
    const shown = value > 0 && this.interval in SECONDS ? value : null;
    if (shown === this.#prev) return;
    this.#prev = shown;
    if (this.#previous) this.#candles.removePriceLine(this.#previous);
    this.#previous = shown === null ? null : this.#candles.createPriceLine({ price: shown, color: looks().mark, lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true, title: say("prev_close") });
  }

  close() {
    this.#handle?.close();
    this.#unpaint();
    this.#closed = true;
    this.#api.remove();
  }

  #take({ bars, live, error }) {
    if (!live) {
      this.#bars = bars;
      this.#draw();
      this.#api.timeScale().scrollToRealTime();
      return this.#stands(error ? "failed" : bars.length ? "" : "empty");
    }
    if (!this.#bars.length) this.#stands("");
    for (const bar of bars) this.#put(bar);
    this.#frames.want(this.#reading);
  }

  #put(bar) {
    const last = this.#bars.at(-1);
    if (last && bar.time < last.time) {
      const at = this.#bars.findIndex(({ time }) => time >= bar.time);
      this.#bars.splice(at, this.#bars[at].time === bar.time ? 1 : 0, bar);
      return this.#draw();
    }
    if (last && bar.time === last.time) this.#bars[this.#bars.length - 1] = bar;
    else this.#bars.push(bar);
    if (this.#bars.length > MOST + 200) {
      this.#bars.splice(0, this.#bars.length - MOST);
      this.#more = null;
      return this.#draw();
    }
    const time = Math.floor(bar.time), index = this.#bars.length - 1;
    mood(this.#bars, index);
    this.#candles.update(this.#candle(bar));
    this.#volumes.update(this.#volume(bar));
    LENGTHS.forEach((length, nth) => { const value = meanAt(this.#bars, length, index); if (value !== null) this.#means[nth].update({ time, value }); });
    if (this.interval in SECONDS) { const value = this.#averaged(bar); if (value) this.#vwapLine.update({ time, value }); }
    if (last && bar.time - last.time > SECONDS[this.interval] * 2) this.#breaks.set(breaksOf(this.#bars, SECONDS[this.interval]));
  }

  #draw() {
    const bars = mood(this.#bars).map((bar) => this.#candle(bar));
    this.#candles.setData(bars);
    this.#volumes.setData(this.#bars.map((bar) => this.#volume(bar)));
    LENGTHS.forEach((length, nth) => this.#means[nth].setData(movingAverage(bars, length)));
    this.#vwap = new Vwap();
    this.#averages.clear();
    const inDay = this.interval in SECONDS;
    this.#vwapLine.setData(inDay ? this.#bars.map((bar) => ({ time: Math.floor(bar.time), value: this.#averaged(bar) })).filter(({ value }) => value) : []);
    this.#breaks.set(inDay ? breaksOf(this.#bars, SECONDS[this.interval]) : []);
    this.#frames.want(this.#reading);
  }

  #averaged(bar) {
    const value = this.#vwap.take(bar);
    if (value) this.#averages.set(bar.time, [value, this.#vwap.partial]);
    return value;
  }

  #color({ mood }) { return mood < 0 ? looks().down : looks().up; }

  #candle(bar) {
    const color = this.#color(bar);
    return { ...bar, time: Math.floor(bar.time), color, wickColor: color };
  }

  #volume(bar) { return { time: Math.floor(bar.time), value: bar.volume, color: `${this.#color(bar)}88` }; }

  #exact(time) { return this.#find(time)?.time ?? time; }

  #find(time) {
    let low = 0, high = this.#bars.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1, found = Math.floor(this.#bars[middle].time);
      if (found === time) return this.#bars[middle];
      if (found < time) low = middle + 1; else high = middle - 1;
    }
    return null;
  }

  #writeLegend() {
    if (this.#closed) return;
    const bar = this.#over === null ? this.#bars.at(-1) : this.#find(this.#over);
    if (!bar) return void (this.#legend.textContent = "");
    this.#legend.classList.toggle("over", this.#over !== null);
    const index = this.#over === null ? this.#bars.length - 1 : this.#bars.indexOf(bar), before = this.#bars[index - 1];
    const write = (value) => numbers.price(value, this.#decimals);
    const change = before ? ` ${numbers.percent(((bar.close - before.close) / before.close) * 100)}` : "";
    const means = LENGTHS.map((length) => [`MA${length}`, meanAt(this.#bars, length, index)]).filter(([, value]) => value !== null);
    const [average, since] = this.#averages.get(bar.time) ?? [];
    // A day whose beginning is not on the chart has an average of what is on it alone: it says so.
    const vwap = average ? [[`${say("legend_vwap")} ${write(average)}`, "vwap"]] : [];
    if (average && since !== null) vwap.push([say("legend_since", { at: numbers.clock(since * 1000).slice(0, 5) }), "l-since"]);
    const parts = [
      [numbers.momentOf(bar.time, this.interval), "l-time"],
      [`${say("legend_open")} ${write(bar.open)} ${say("legend_high")} ${write(bar.high)} ${say("legend_low")} ${write(bar.low)} ${say("legend_close")} ${write(bar.close)}${change}`, `l-prices ${{ 1: "up", [-1]: "down" }[bar.mood] ?? ""}`],
      [`${say("volume")} ${compact(bar.volume)}`, "l-volume"], ...means.map(([name, value], nth) => [`${name} ${write(value)}`, `mean${nth}`]), ...vwap,
    ];
    while (this.#legend.children.length > parts.length) this.#legend.lastChild.remove();
    parts.forEach(([text, name], nth) => {
      const part = this.#legend.children[nth] ?? this.#legend.appendChild(document.createElement("span"));
      if (part.textContent !== text) part.textContent = text;
      if (part.className !== name) part.className = name;
    });
  }

  async #earlier() {
    const first = this.#bars[0];
    if (!first || this.#bars.length >= MOST || this.interval === "1.5s" || this.#more === first.time) return;
    this.#more = first.time;
    const handle = this.#handle;
    try {
      const older = await handle.earlier(first.time);
      if (handle !== this.#handle || !older.length || this.#bars[0] !== first) return;
      this.#bars = [...older.filter(({ time }) => time < first.time), ...this.#bars].slice(-MOST);
      this.#draw();
    } catch { /* the node is away: what there is stays, and the next scroll asks again */ }
  }

  #stands(what) {
    this.canvas.dataset.state = what || "drawn";
    this.#state(what);
  }

  #paint() {
    const { ink, line, up, down, means, vwap } = looks();
    this.#api.applyOptions({ layout: { textColor: ink, panes: { separatorColor: line } }, grid: { vertLines: { color: line }, horzLines: { color: line } } });
    this.#candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.#means.forEach((one, nth) => one.applyOptions({ color: means[nth] }));
    this.#vwapLine.applyOptions({ color: vwap });
  }
}
