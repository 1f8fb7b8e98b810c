// The live page: what is followed on the left, the chart of one symbol on the right.
import { createChart, CandlestickSeries, HistogramSeries } from "../vendor/lightweight-charts/lightweight-charts-5.2.1.standalone.production.mjs";
import { Tickpack } from "./tickpack.js";

const page = document.getElementById("live");
const words = page.dataset;
const KEY = "tickpack-live-symbols";
const FIRST = ["600519.SH", "00700.HK", "510300.SH", "TEST.CN"];
const KEPT = 1200; // bars a symbol: half an hour
const history = new Map(); // symbol -> bars in the chart's form
let shown = null;

// -- the chart -----------------------------------------------------------------------------------------------------
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const chart = createChart(document.getElementById("chart"), {
  autoSize: true,
  // Our own visible link stands below: the library's injects a style element, which the page's CSP refuses.
  layout: { attributionLogo: false, background: { color: "transparent" }, fontFamily: "inherit" },
  timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 4, barSpacing: 8 },
  localization: { locale: document.documentElement.lang === "zh-hans" ? "zh-CN" : "en-GB", timeFormatter: clock },
});
chart.applyOptions({ timeScale: { tickMarkFormatter: clock } });
// Red rises, as on the screens of these markets.
const colours = { upColor: "#c8362f", downColor: "#1d8a5b", wickUpColor: "#c8362f", wickDownColor: "#1d8a5b", borderVisible: false };
const candles = chart.addSeries(CandlestickSeries, colours);
const volumes = chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "", lastValueVisible: false, priceLineVisible: false });
volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });

function paint() {
  const ink = dark.matches ? "#9dadaa" : "#56625f";
  const line = dark.matches ? "#22302e" : "#e8edeb";
  chart.applyOptions({ layout: { textColor: ink }, grid: { vertLines: { color: line }, horzLines: { color: line } } });
}
paint();
dark.addEventListener("change", paint);

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { timeZone: "Asia/Shanghai" });
}

function moment(timestamp) {
  // With the day: a replay shows another one.
  return new Date(timestamp).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" });
}

function point(data) {
  // The library wants whole seconds; 1.5 s apart they stay distinct.
  return { time: Math.floor(Date.parse(data.timestamp) / 1000), open: data.open, high: data.high, low: data.low, close: data.close, volume: data.volume };
}

function bar(candle) {
  return { time: candle.time, value: candle.volume, color: candle.close >= candle.open ? "#c8362f66" : "#1d8a5b66" };
}

function show(symbol) {
  shown = symbol;
  const points = history.get(symbol) ?? [];
  candles.setData(points);
  volumes.setData(points.map(bar));
  chart.timeScale().scrollToRealTime();
  document.getElementById("shown").textContent = symbol ?? "";
  for (const row of rows.children) row.querySelector("button").setAttribute("aria-pressed", String(row.dataset.symbol === symbol));
}

// -- the list ------------------------------------------------------------------------------------------------------
const rows = document.getElementById("symbols");
const say = document.getElementById("notice");
const template = document.getElementById("row");

function addRow(symbol) {
  if (rows.querySelector(`[data-symbol="${symbol}"]`)) return;
  const row = template.content.firstElementChild.cloneNode(true);
  row.dataset.symbol = symbol;
  const [choose, remove] = row.querySelectorAll("button");
  choose.querySelector("b").textContent = symbol;
  choose.addEventListener("click", () => show(symbol));
  remove.setAttribute("aria-label", `${words.remove} ${symbol}`);
  remove.addEventListener("click", () => { stream.unfollow([symbol]); dropRow(symbol); });
  rows.append(row);
  if (shown === null) show(symbol);
}

function dropRow(symbol) {
  rows.querySelector(`[data-symbol="${symbol}"]`)?.remove();
  history.delete(symbol);
  if (shown === symbol) show(rows.firstElementChild?.dataset.symbol ?? null);
  keep();
}

function keep() {
  localStorage.setItem(KEY, JSON.stringify([...rows.children].map((row) => row.dataset.symbol)));
}

function take({ symbol, data }) {
  const row = rows.querySelector(`[data-symbol="${symbol}"]`);
  if (!row) return;
  let points = history.get(symbol) ?? [];
  const next = point(data);
  if (points.length && next.time < points.at(-1).time) {
    points = []; // a recording was started again: its clock went back, and so does the chart
    history.set(symbol, points);
    if (symbol === shown) show(symbol);
  }
  const before = points.at(-1)?.close ?? next.close;
  if (!points.length || next.time > points.at(-1).time) points.push(next);
  if (points.length > KEPT) points.splice(0, points.length - KEPT);
  history.set(symbol, points);
  const price = row.querySelector(".price");
  price.textContent = data.close;
  price.className = `price ${next.close > before ? "up" : next.close < before ? "down" : ""}`;
  if (symbol === shown) {
    candles.update(next);
    volumes.update(bar(next));
  }
  if (symbol === shown) document.getElementById("clock").textContent = moment(data.timestamp);
}

// -- the stream ----------------------------------------------------------------------------------------------------
function quota({ used, max_subs: most }) {
  document.getElementById("quota").textContent = `${used} / ${most}`;
}

const states = document.getElementById("markets");
const markets = {};
function market(name, state) {
  markets[name] = state;
  states.textContent = Object.entries(markets).map(([each, value]) => `${each} ${words[`state_${value}`] ?? value}`).join(" · ");
}

function answer(message) {
  switch (message.type) {
    case "welcome":
      quota(message.quota);
      Object.entries(message.markets).forEach(([name, { state }]) => market(name, state));
      break;
    case "subscribed":
      quota(message.quota);
      message.current.forEach(addRow);
      keep();
      if (message.rejected.length) say.textContent = message.rejected.map((row) => `${row.symbol}: ${words[`reason_${row.reason}`] ?? row.message}`).join(" · ");
      break;
    case "unsubscribed":
      quota(message.quota);
      break;
    case "quota_changed":
      quota(message);
      message.dropped.forEach(dropRow);
      say.textContent = words.quotaChanged.replace("%s", message.max_subs);
      break;
    case "status":
      if (message.market) market(message.market, message.state);
      break;
    case "error":
      say.textContent = message.message;
  }
}

function state(name, detail) {
  const lamp = document.getElementById("lamp");
  lamp.dataset.state = name;
  lamp.textContent = words[`socket_${name}`].replace("%s", detail ?? "");
}

function gap({ lane }) {
  say.textContent = words.gap.replace("%s", lane);
}

let wanted = FIRST;
try {
  const kept = JSON.parse(localStorage.getItem(KEY) ?? "null");
  if (Array.isArray(kept) && kept.length) wanted = kept;
} catch { /* a broken entry is as good as none */ }
// The chart keeps half an hour: after a longer absence what was missed would only pass through it.
const stream = new Tickpack(words.url, words.token, { bar: take, answer, state, gap }, { symbols: wanted, resumeWithin: KEPT * 1.5 });
document.getElementById("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.symbol;
  const symbols = input.value.split(/[\s,]+/).filter(Boolean);
  say.textContent = "";
  if (symbols.length) stream.follow(symbols);
  input.value = "";
});
