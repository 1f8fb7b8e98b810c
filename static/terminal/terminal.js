// The live page: lists on the left, charts in the middle, the book of the active one beside them.
import { Book } from "./book.js";
import { Feed, tokens, watchSession } from "./feed.js";
import * as keys from "./keys.js";
import { ListBar } from "./listbar.js";
import { FIRST, Lists } from "./lists.js";
import { Notices, endOf } from "./notices.js";
import { spanOf } from "./numbers.js";
import { Panes } from "./panes.js";
import { Frames, Quotes } from "./quotes.js";
import { exchanged, givesWay } from "./room.js";
import { Search } from "./search.js";
import { Table } from "./table.js";
import { INTERVALS } from "./chart.js";
import { chinese, nameOf, say, sayOr } from "./words.js";

const page = document.getElementById("terminal"), { dataset } = page, part = (id) => document.getElementById(id);
const phone = window.matchMedia("(max-width: 720px)");
const frames = new Frames(), quotes = new Quotes(frames);
const notices = new Notices(part("notices"), { renew: dataset.renew, dashboard: dataset.dashboard, packs: dataset.renew, reload: window.location.pathname });
const guest = dataset.guest !== undefined;

let panes = null, most = null; // its charts speak before it is here; how many symbols the pack allows

// -- what is followed ----------------------------------------------------------------------------------------------
const feed = new Feed(dataset.url, tokens(dataset.token, dataset.tokenUrl), quotes, { state, market, told, depth: (...depth) => book.depth(...depth), trade: (...trade) => book.trade(...trade) });
export const { stream } = feed; // for measuring

function state(name, detail, error) {
  const lamp = part("lamp");
  lamp.dataset.state = name;
  lamp.textContent = say(`socket_${name}`, { n: detail ?? "" });
  if (name === "open") { notices.clear("socket"); book.anew(); }
  if (name === "waiting") notices.set("socket", error?.code === 1012 ? "socket_draining" : "socket_lost", { kind: "warning", values: { n: detail } });
  if (name !== "ended") return;
  const [key, link] = endOf(error);
  notices.set("socket", key, { kind: "error", link });
  page.dataset.ended = "yes";
}

function market() {
  const place = part("markets");
  const shown = Object.entries(feed.markets).map(([name, { state: at, presumed }]) => `${sayOr(`market_${name}`, name)} ${sayOr(`state_${at}`, at)}${presumed ? (chinese ? "（" : " (") + say("presumed") + (chinese ? "）" : ")") : ""}`);
  place.replaceChildren(...shown.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
  table.states({ ...feed.markets, TEST: { state: "open" } });
  for (const [name, { state: at, presumed, feed: source }] of Object.entries(feed.markets)) {
    const values = { market: sayOr(`market_${name}`, name) };
    if (at === "no_feed") notices.set(`feed-${name}`, "market_no_feed", { kind: "warning", values }); else notices.clear(`feed-${name}`);
    if (presumed) notices.set(`presumed-${name}`, "market_presumed", { values }); else notices.clear(`presumed-${name}`);
    if (source === "replay") notices.set("replay", "market_replay", {}); // a day of the past: its clock is not the wall's
  }
}

const namesOf = (symbols) => symbols.join(chinese ? "、" : ", ");

function told(name, detail) {
  const actions = {
    quota: () => { part("quota").textContent = `${detail.used} / ${detail.most}`; most = detail.most; room(); },
    gap: () => notices.set(`gap-${detail.lane}`, "gap", { values: { market: sayOr(`market_${detail.lane}`, detail.lane) }, passing: true }),
    begun: () => panes.again(detail.symbols),
    no_book: () => book.without(say("no_book")),
    taken: () => notices.set("taken", "taken", { kind: "warning", values: { symbols: namesOf(detail.symbols) }, label: "watch_again", action: () => { notices.clear("taken"); feed.again(detail.symbols); } }),
    plan: () => notices.set("plan", detail.symbols.length ? "plan_smaller" : "plan_now", { values: { n: detail.most, symbols: namesOf(detail.symbols) }, passing: !detail.symbols.length, link: detail.symbols.length ? "packs" : "" }),
    rejected: () => rejected(detail.symbols),
    expiring: () => {
      const [n, unit] = spanOf(detail.in_seconds);
      notices.set("expiring", "expiring", { kind: "warning", values: { span: say(`span_${unit}`, { n }), at: new Date(detail.ends_at).toLocaleString(chinese ? "zh-CN" : "en-GB", { timeZone: "Asia/Shanghai" }) }, link: "renew" });
    },
    announcement: () => notices.set(`announcement-${detail.id}`, "announcement", {
      kind: { incident: "error", planned: "warning" }[detail.kind] ?? "info",
      values: { text: [detail.title, detail.text].map((one) => one[chinese ? "zh" : "en"]).join(chinese ? "：" : ": ") },
    }),
    slow_reader: () => notices.set("slow", "slow", { values: { n: detail.skipped }, passing: true }),
    error: () => { if (detail.code === "unavailable") notices.set("store", "store_away", { kind: "warning", passing: true }); },
  };
  actions[name]?.();
}

function rejected(rows) {
  room();
  for (const reason of new Set(rows.map((one) => one.reason))) {
    if (reason === "quota_exceeded" && !guest) continue; // the rows say it, and a line below them
    const symbols = rows.filter((one) => one.reason === reason).map(({ symbol }) => symbol);
    const link = ["market_not_allowed", "symbol_not_allowed"].includes(reason) ? "packs" : "";
    notices.set(`reason-${reason}`, guest ? "rejected_guest" : `rejected_${reason}`, { values: { symbols: namesOf(symbols.slice(0, 5)), n: symbols.length }, link });
  }
}

// -- lists ---------------------------------------------------------------------------------------------------------
const lists = new Lists(dataset.lists, () => dataset.csrf, listed, say("list_first"));
const table = new Table(part("quotes"), quotes, {
  choose: (symbol) => open(symbol), again: (symbol) => { notices.clear("taken"); feed.again([symbol]); }, order: (symbols) => changed(lists.order(symbols)),
  givesWay: () => givesWay(lists.current.symbols.map((one) => quotes.get(one)), panes.symbols), instead: (symbol) => instead(symbol),
});
const bar = new ListBar(page, lists);
const book = new Book({ asks: part("asks"), bids: part("bids"), trades: part("trades"), day: part("day"), said: part("book-said") }, quotes, frames);
panes = new Panes(part("panes"), quotes, frames, stream, {
  active: (symbol) => active(symbol), symbols: () => follow(), choose: () => search.open(),
  offered: () => table.symbols.filter((one) => quotes.get(one).following !== "rejected"),
});
const search = new Search(part("search"), stream, found, (symbol) => lists.current.symbols.includes(symbol));

function follow() {
  // A chart keeps what its list has lost for as long as it is on screen.
  if (!panes) return;
  feed.want([...panes.symbols, ...lists.current.symbols]);
  room();
}

/** Say how many of the list have no room, and let their rows name who could give way. */
function room() {
  if (!panes || guest) return;
  const out = lists.current.symbols.filter((one) => quotes.get(one).reason === "quota_exceeded").length;
  part("list-out").hidden = out === 0;
  if (out) part("list-out-said").textContent = say("list_out", { n: out, most: most ?? "" });
  table.refresh();
}

/** Follow a symbol instead of another one of the list, for good: they change places, and the first ones are followed. */
function instead(symbol) {
  const { symbols } = lists.current, other = givesWay(symbols.map((one) => quotes.get(one)), panes.symbols);
  if (other !== null) swap(symbol, other);
}

function swap(symbol, other, undo = true) {
  feed.exchange(other, symbol);
  panes.exchange(other, symbol);
  changed(lists.order(exchanged(lists.current.symbols, symbol, other)));
  table.choose(symbol);
  table.move(0); // the button that was pressed is gone
  if (!undo) return notices.clear("exchanged");
  const names = { name: nameOf(quotes.get(symbol)), other: nameOf(quotes.get(other)) };
  notices.set("exchanged", "exchanged", { values: names, passing: true, label: "undo", action: () => swap(other, symbol, false) });
}

let shownList = null;
function listed() {
  const { id, symbols } = lists.current;
  if (id !== shownList) notices.clearAll("reason-"); // said of another list
  shownList = id;
  bar.write();
  table.show(symbols);
  part("list-empty").hidden = symbols.length > 0 && lists.current !== FIRST;
  if (panes.symbol && !symbols.includes(panes.symbol) && symbols.length && !phone.matches) panes.show(symbols[0]);
  if (!phone.matches) panes.fill();
  table.choose(symbols.includes(panes.symbol) ? panes.symbol : table.selected ?? symbols[0] ?? null);
  feed.forget(quotes.keep([...symbols, ...panes.symbols]));
  follow();
}

function failed(error) {
  notices.set("lists", `error_${error.code ?? "panel_failed"}`, { kind: "error", values: { most: error.code === "too_many_watch_lists" ? lists.limits.most_lists : lists.limits.most_symbols }, link: error.code === "logged_out" ? "reload" : "", passing: true });
}

function changed(change) { change.catch(failed); }

function found(products) {
  products.forEach((one) => feed.know(one));
  const symbols = products.map(({ symbol }) => symbol), fresh = symbols.filter((one) => !lists.current.symbols.includes(one));
  open(symbols[0]); // first: an empty chart beside it would take the symbol, too
  changed(lists.add(fresh));
}

function remove(symbol) {
  if (!symbol || !lists.current.symbols.includes(symbol)) return;
  const { symbols } = lists.current, next = symbols[symbols.indexOf(symbol) + 1] ?? symbols.at(-2) ?? null;
  if (panes.symbol === symbol) panes.show(panes.count > 1 ? null : next); // of several, it takes what no other one shows
  panes.without([symbol]);
  changed(lists.remove([symbol]));
  if (next) { table.choose(next); table.move(0); }
  notices.set("removed", "removed", { values: { symbol }, passing: true, label: "undo", action: () => { notices.clear("removed"); changed(lists.add([symbol])); } });
}

// -- one symbol ----------------------------------------------------------------------------------------------------
function open(symbol) {
  panes.show(symbol);
  table.choose(symbol);
  if (page.dataset.view === "symbol") return;
  page.dataset.view = "symbol"; // on a phone it takes the screen; on a desk both stand side by side
  if (phone.matches) history.pushState({ symbol }, "");
}

function back() {
  if (page.dataset.view !== "symbol" || !phone.matches) return false;
  history.back();
  return true;
}

window.addEventListener("popstate", () => { page.dataset.view = "list"; table.move(0); });

function active(symbol) {
  if (!panes) return;
  book.show(symbol);
  feed.detail(symbol);
  if (symbol) {
    table.choose(symbol);
    const { statistics } = quotes.get(symbol);
    if (statistics) book.statistics(symbol, statistics);
  }
}

quotes.listen((symbols) => {
  const { symbol } = panes;
  if (symbols.includes(symbol) && quotes.get(symbol).statistics) book.statistics(symbol, quotes.get(symbol).statistics);
});

// -- buttons and keys ----------------------------------------------------------------------------------------------
part("back").addEventListener("click", back);
part("take-off").addEventListener("click", () => { const { symbol } = panes; back(); remove(symbol); });
part("open-search").addEventListener("click", () => search.open());
part("open-search-empty").addEventListener("click", () => search.open());
part("open-help").addEventListener("click", () => part("help").showModal());
part("help").querySelector("[data-close]").addEventListener("click", () => part("help").close());
part("wide").addEventListener("click", (event) => {
  const wide = page.dataset.wide === undefined;
  if (wide) page.dataset.wide = ""; else delete page.dataset.wide;
  event.currentTarget.setAttribute("aria-pressed", String(wide));
});
for (const button of page.querySelectorAll("[data-panes]")) {
  button.addEventListener("click", () => {
    panes.arrange(Number(button.dataset.panes));
    counted();
  });
}
function counted() { for (const one of page.querySelectorAll("[data-panes]")) one.setAttribute("aria-pressed", String(Number(one.dataset.panes) === panes.count)); }

keys.listen((meaning) => {
  if (/^[1-9]$/.test(meaning)) return void panes.interval(INTERVALS[Number(meaning) - 1]);
  const act = {
    search: () => search.open(), help: () => part("help").showModal(), full: () => panes.fullScreen(),
    up: () => { table.move(-1); }, down: () => { table.move(1); }, open: () => { if (table.selected) open(table.selected); },
    remove: () => remove(table.selected), back, raise: () => table.shift(-1), lower: () => table.shift(1),
  };
  return act[meaning]();
});

if (!guest) watchSession(dataset.tokenUrl, (why) => { feed.stream.close(); state("ended", null, { why }); });

part("panes").dataset.count = String(panes.count);
counted();
page.dataset.view = "list";
lists.load().catch((error) => { listed(); failed(error); });
