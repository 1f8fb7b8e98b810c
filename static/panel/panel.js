// The panel's only script: copy buttons, how far nodes are, how much of the quota is in use, one question.
// Nothing here decides anything; without it every page still works except for these.
"use strict";

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain http on another host there is no clipboard: select the text, so that Ctrl-C takes it.
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return;
  }
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 1500);
}

// Nearest of three answers; no-cors, because only the time counts.
const latencies = new Map();

async function measure(base) {
  let best = Infinity;
  for (let round = 0; round < 3; round += 1) {
    const began = performance.now();
    await fetch(`${base}/healthz`, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(3000) });
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

function showLatencies(root) {
  for (const place of root.querySelectorAll("[data-latency-of]")) {
    const base = place.dataset.latencyOf;
    const words = place.closest("[data-latency-ms]").dataset;
    if (!latencies.has(base)) latencies.set(base, measure(base));
    latencies.get(base).then(
      (ms) => { place.textContent = words.latencyMs.replace("{ms}", String(Math.max(1, Math.round(ms)))); },
      () => { place.textContent = words.latencyAway; latencies.delete(base); },
    );
  }
}

async function showUsage(box) {
  const token = document.getElementById(box.dataset.tokenId).textContent;
  const text = box.querySelector("[data-usage-text]");
  try {
    const answer = await fetch(box.dataset.usage, {
      headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(4000),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const usage = await answer.json();
    text.textContent = `${usage.used} / ${usage.max_subs}`;
    const bar = box.querySelector("progress");
    bar.max = Math.max(1, usage.max_subs);
    bar.value = usage.used;
    box.querySelector("[data-usage-symbols]").textContent = usage.symbols.join(" ");
    box.querySelector("[data-usage-conns]").textContent = `${usage.connections} / ${usage.max_conns}`;
  } catch {
    text.textContent = box.dataset.away;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
document.addEventListener("htmx:afterSwap", () => showLatencies(document));
showLatencies(document);
for (const box of document.querySelectorAll("[data-usage]")) {
  showUsage(box);
  setInterval(() => { if (!document.hidden) showUsage(box); }, 5000);
}
