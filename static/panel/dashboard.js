// What is in use at this moment, asked of the nodes themselves: symbols, sockets, and the end of one.
import { ask, tokenOf } from "./node.js";

const USAGE_MS = 5000;
const SOCKETS_MS = 10000;

// A node that refuses says why, and that is another thing than one that does not answer.
async function showUsage(box) {
  const text = box.querySelector("[data-usage-text]");
  let answer;
  try {
    answer = await ask(box.dataset.usage, tokenOf(box));
    if (!answer.ok && !(answer.body.code in box.dataset)) throw new Error(String(answer.status));
  } catch {
    text.textContent = box.dataset.away;
    text.className = "away";
    return;
  }
  text.className = answer.ok ? "" : "away";
  if (!answer.ok) {
    text.textContent = box.dataset[answer.body.code];
    return;
  }
  const usage = answer.body;
  // Nodes that tell who looks on also tell which sockets there are; an older one would answer 404.
  if ("viewers" in usage) tellSockets(box);
  text.textContent = `${usage.used} / ${usage.max_subs}`;
  const bar = box.querySelector("progress");
  bar.max = Math.max(1, usage.max_subs);
  bar.value = usage.used;
  box.querySelector("[data-usage-symbols]").textContent = usage.symbols.join(" ");
  box.querySelector("[data-usage-conns]").textContent = `${usage.connections} / ${usage.max_conns}`;
}

function cell(label, content) {
  const made = document.createElement("td");
  made.dataset.label = label;
  made.append(content);
  return made;
}

function lag(words, bytes) {
  if (bytes === null || bytes === undefined) return words.unknown;
  return bytes < 1024 ? words.keepsUp : words.behind.replace("{kib}", String(Math.ceil(bytes / 1024)));
}

function row(box, labels, one) {
  const words = box.dataset;
  const address = one.viewer ? words.page : one.address ?? words.unknown;
  const made = document.createElement("tr"), language = JSON.parse(words.languages)[one.language] ?? one.language ?? words.unknown;
  const since = new Date(one.since).toLocaleString(document.documentElement.lang, {
    month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: "Asia/Shanghai",
  });
  made.append(
    cell(labels[0], address), cell(labels[1], since), cell(labels[2], language),
    cell(labels[3], String(one.symbols ?? "")), cell(labels[4], lag(words, one.unsent_bytes)),
  );
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small outline danger";
  button.textContent = words.end;
  button.setAttribute("aria-label", words.endOf.replace("{address}", address));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { ok } = await ask(`${words.sockets}/${encodeURIComponent(one.id)}`, tokenOf(box), "DELETE");
      if (ok) button.textContent = words.ended;
    } catch { /* it stands there again in ten seconds, if it is still open */ }
    setTimeout(() => showSockets(box), 1000);
  });
  made.append(cell("", button));
  return made;
}

// Where the node does not tell, nothing is shown: an empty list would say that nobody is connected.
async function showSockets(box) {
  let sockets;
  try {
    const { ok, body } = await ask(box.dataset.sockets, tokenOf(box));
    sockets = ok && Array.isArray(body.sockets) ? body.sockets : null;
  } catch {
    sockets = null;
  }
  box.hidden = sockets === null;
  if (sockets === null || box.contains(document.activeElement?.closest("tbody") ?? null)) return;
  const labels = [...box.querySelectorAll("thead th")].map((one) => one.textContent);
  box.querySelector("tbody").replaceChildren(...sockets.map((one) => row(box, labels, one)));
  box.querySelector(".scroll").hidden = sockets.length === 0;
  box.querySelector("[data-none]").hidden = sockets.length > 0;
}

function keep(box, show, ms) {
  show(box);
  setInterval(() => { if (!document.hidden) show(box); }, ms);
}

const told = new WeakSet();

function tellSockets(usage) {
  const box = usage.closest(".card").querySelector("[data-sockets]");
  if (!box || told.has(box)) return;
  told.add(box);
  keep(box, showSockets, SOCKETS_MS);
}

for (const box of document.querySelectorAll("[data-usage]")) keep(box, showUsage, USAGE_MS);
