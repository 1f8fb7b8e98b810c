// "Try it now": the first bars of TEST.CN on the page, with the buyer's own token. Pushes no program out.
import { ask, tokenOf } from "./node.js";

const BARS = 3;
const PATIENCE_MS = 20000;

function show(box, bar) {
  const { open, close } = bar.data;
  const line = box.querySelector("[data-bar]");
  const time = new Date(bar.data.timestamp).toLocaleTimeString(document.documentElement.lang, { hour12: false, timeZone: "Asia/Shanghai" });
  line.textContent = `${bar.symbol}  ${time}  ${box.dataset.row.replace(/\{(\w+)\}/g, (_, name) => bar.data[name])}`;
  line.className = `bar ${close > open ? "up" : close < open ? "down" : ""}`;
  line.hidden = false;
}

async function run(box, button) {
  const says = box.querySelector("[data-says]");
  const words = box.dataset;
  button.disabled = true;
  box.querySelector("[data-bar]").hidden = true;  // of an earlier press
  says.textContent = words.wait;
  const token = tokenOf(box);
  try {
    const { ok, body } = await ask(words.usage, token);
    if (!ok) throw new Error(body.code);
    // One more socket would close the oldest one: who has programs running knows that the token works.
    if (body.connections >= body.max_conns) {
      says.textContent = words.full.replace("{n}", String(body.connections));
      box.querySelector("[data-live]").hidden = false;
      return;
    }
    await bars(words.url, token, (bar, count) => {
      show(box, bar);
      says.textContent = count < BARS ? words.comes : words.works;
    });
    button.textContent = button.dataset.again;
    box.querySelector("[data-live]").hidden = false;
  } catch {
    says.textContent = words.away;
  } finally {
    button.disabled = false;  // whatever happened, it can be pressed again
  }
}

function bars(url, token, took) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ["bearer", token]);
    let count = 0;
    const late = setTimeout(() => { socket.close(); reject(new Error("silent")); }, PATIENCE_MS);
    socket.onopen = () => socket.send(JSON.stringify({ action: "subscribe", symbols: ["TEST.CN"] }));
    socket.onmessage = (event) => {
      const said = JSON.parse(event.data);
      if (said.type !== "kline") return;
      count += 1;
      took(said, count);
      if (count === BARS) { clearTimeout(late); socket.close(); resolve(); }
    };
    socket.onclose = () => { clearTimeout(late); if (count < BARS) reject(new Error("closed")); };
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-try]");
  if (button) run(button.closest(".try"), button);
});
