// The front page: tabs for the samples, and the chart of TEST.CN, which needs no account.
// Without it every sample is shown below the other, and the chart is missing.
import { AreaSeries, createChart } from "../vendor/lightweight-charts/lightweight-charts-5.2.1.standalone.production.mjs";
import { Tickpack } from "../streaming/tickpack.js";

// -- tabs: arrow keys, Home and End, as every tab list --------------------------------------------------------------
function makeTabs(box) {
  const panels = [...box.querySelectorAll("[data-tab]")];
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", box.dataset.label);
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${panel.id}`;
    tab.textContent = panel.dataset.tab;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.querySelector("h3").hidden = true;
    list.append(tab);
    return tab;
  });
  const choose = (nth, focus) => {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === nth));
      tab.tabIndex = at === nth ? 0 : -1;
      panels[at].hidden = at !== nth;
    });
    if (focus) tabs[nth].focus();
  };
  list.addEventListener("click", (event) => {
    const at = tabs.indexOf(event.target.closest("[role=tab]"));
    if (at >= 0) choose(at, true);
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement), last = tabs.length - 1;
    const next = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    choose(next, true);
  });
  box.prepend(list);
  choose(0, false);
}

document.querySelectorAll("[data-tabs]").forEach(makeTabs);

// -- the chart --------------------------------------------------------------------------------------------------------
const SYMBOL = "TEST.CN", WINDOW_MS = 1500;
const SHOWN = 160; // bars: four minutes
const SHANGHAI_S = 8 * 3600; // ahead of UTC
const AGAIN_MS = 15_000, HIDDEN_MS = 120_000;
const box = document.getElementById("sample");
const part = (name) => box.querySelector(`[data-part=${name}]`);
const dark = matchMedia("(prefers-color-scheme: dark)");
let stream = null, previous = null, day = null, newest = 0, hiddenSince = null;

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", { timeZone: "Asia/Shanghai" });

const chart = createChart(part("chart"), {
  autoSize: true,
  // Our own visible link stands below: the library's injects a style element, which the page's CSP refuses.
  layout: { attributionLogo: false, background: { color: "transparent" }, fontFamily: "inherit" },
  timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 2, barSpacing: 6, borderVisible: false, tickMarkFormatter: clock },
  rightPriceScale: { borderVisible: false },
  localization: { locale: document.documentElement.lang === "zh-hans" ? "zh-CN" : "en-GB", timeFormatter: clock },
  handleScroll: false,
  handleScale: false,
});
const line = chart.addSeries(AreaSeries, { lineWidth: 2 });

function paint() {
  const ink = dark.matches ? "#9dadaa" : "#56625f", rule = dark.matches ? "#22302e" : "#eef2f0";
  const colour = dark.matches ? "#5fcabc" : "#0b5c56";
  chart.applyOptions({ layout: { textColor: ink }, grid: { vertLines: { visible: false }, horzLines: { color: rule } } });
  line.applyOptions({ lineColor: colour, topColor: `${colour}40`, bottomColor: `${colour}00` });
}

paint();
dark.addEventListener("change", paint);

function say(name) {
  box.dataset.state = name;
  part("lamp").textContent = box.dataset[name];
}

// Against the previous close, as the live page; until that is known there is nothing to say.
function compare(price) {
  const change = previous > 0 ? (price / previous - 1) * 100 : 0, shown = part("change");
  shown.textContent = previous > 0 ? `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(2)}%` : "";
  shown.className = change > 0 ? "up" : change < 0 ? "down" : "";
}

async function learnPrevious() {
  try {
    const [row] = await stream.snapshot([SYMBOL]);
    previous = row?.day?.prev_close ?? null;
    if (row?.data) compare(row.data.close);
  } catch { day = null; } // the stream has gone: the next bar asks again
}

function take({ data }) {
  const time = Math.floor(Date.parse(data.timestamp) / 1000);
  if (time <= newest) return;
  newest = time;
  const today = Math.floor((time + SHANGHAI_S) / 86_400);
  if (today !== day) {
    day = today;
    learnPrevious();
  }
  line.update({ time, value: data.close });
  part("price").textContent = data.close.toFixed(2);
  compare(data.close);
  part("clock").textContent = clock(time);
  if (box.dataset.state !== "open") say("open");
}

async function begin() {
  if (!box.dataset.url || stream) return;
  try {
    const answer = await fetch(box.dataset.guest, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const { token } = await answer.json();
    // The last minutes first, out of the node's window, so that there is a chart at once.
    const since = { TEST: Math.floor(Date.now() / WINDOW_MS) - SHOWN };
    stream = new Tickpack(box.dataset.url, token, { bar: take, state }, { symbols: [SYMBOL], since });
  } catch {
    away();
  }
}

function away() {
  say("away");
  stream = null;
  setTimeout(begin, AGAIN_MS);
}

function state(name) {
  if (name === "ended") away(); // the token is over: another one
  else if (name === "waiting") say("away");
  else if (name === "connecting" && box.dataset.state !== "open") say("connecting");
}

// A page that nobody looks at keeps no connection: a node counts them by address.
function leave() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => {
  hiddenSince = document.hidden ? Date.now() : null;
  if (!document.hidden) begin();
});
setInterval(() => { if (hiddenSince && Date.now() - hiddenSince > HIDDEN_MS) leave(); }, 10_000);
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => { if (event.persisted) begin(); });
if (box.dataset.url) begin();
else say("away");
