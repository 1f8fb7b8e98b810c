// The lists' bar: which one is shown, and what can be done with it.
import { say, sayOr } from "./words.js";

export class ListBar {
  #lists; #select; #menu; #dialog;

  constructor(page, lists) {
    this.#lists = lists;
    this.#select = page.querySelector("#list-choice");
    this.#menu = page.querySelector("#list-menu");
    this.#dialog = page.querySelector("#list-dialog");
    this.#select.addEventListener("change", () => lists.choose(this.#select.value || null));
    this.#menu.addEventListener("click", (event) => {
      const what = event.target.closest("[data-do]")?.dataset.do;
      if (!what) return;
      this.#menu.open = false;
      this.#ask(what);
    });
    this.#menu.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.#menu.open) { this.#menu.open = false; this.#menu.querySelector("summary").focus(); event.stopPropagation(); } });
    document.addEventListener("click", (event) => { if (!this.#menu.contains(event.target)) this.#menu.open = false; });
    this.#dialog.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
    this.#dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); this.#do(); });
    this.#dialog.querySelector("[data-stop]").addEventListener("click", () => this.#done(lists.share(false)));
    this.#dialog.querySelector("[data-copy]").addEventListener("click", async (event) => {
      const button = event.currentTarget;
      await navigator.clipboard.writeText(this.#field("link").value);
      button.textContent = say("copied");
    });
  }

  /** Write how the lists stand. */
  write() {
    const { all, current } = this.#lists;
    const options = [...(current.id === null ? [{ id: "", name: say("list_first") }] : []), ...all].map(({ id, name }) => new Option(name, id, false, id === (current.id ?? "")));
    this.#select.replaceChildren(...options);
    for (const button of this.#menu.querySelectorAll("[data-do]:not([data-do=make])")) button.disabled = current.id === null;
  }

  /** Move to the list before or behind. */
  step(by) {
    const { all, current } = this.#lists, at = all.findIndex(({ id }) => id === current.id) + by;
    if (all[at]) this.#lists.choose(all[at].id);
  }

  #field(name) { return this.#dialog.querySelector(`[name=${name}]`); }

  #ask(what) {
    const { current } = this.#lists, name = { make: "", rename: current.name }[what];
    // What sharing means comes before the link is made.
    const said = what === "share" && !current.link ? "share_ask" : what;
    this.#dialog.dataset.what = said;
    this.#dialog.querySelector("h2").textContent = say(`list_${what}`);
    this.#dialog.querySelector("[data-text]").textContent = sayOr(said === "share_ask" ? "list_share_ask" : `list_${what}_text`, "", { name: current.name, n: current.symbols.length });
    this.#dialog.querySelector("output").textContent = "";
    this.#field("name").value = name ?? "";
    this.#field("name").required = name !== undefined;
    this.#field("link").value = this.#lists.current.link ?? "";
    this.#dialog.querySelector("[data-copy]").textContent = say("copy");
    this.#dialog.querySelector("[type=submit]").textContent = say({ drop: "list_remove", share: "done", share_ask: "list_share_make" }[said] ?? "save");
    if (!this.#dialog.open) this.#dialog.showModal();
    if (said === "share_ask") this.#dialog.querySelector("[type=submit]").focus(); else this.#field(what === "share" ? "link" : "name").select?.();
  }

  #do() {
    const name = this.#field("name").value.trim();
    // The dialog stays, and shows the link that was made.
    if (this.#dialog.dataset.what === "share_ask") return this.#done(this.#lists.share(true), () => this.#ask("share"));
    const done = { make: () => this.#lists.make(name), rename: () => this.#lists.rename(name), drop: () => this.#lists.drop(), share: () => Promise.resolve() }[this.#dialog.dataset.what]();
    return this.#done(done);
  }

  async #done(change, then = () => this.#dialog.close()) {
    try {
      await change;
      then();
    } catch (error) {
      this.#dialog.querySelector("output").textContent = sayOr(`error_${error.code}`, error.message, { most: this.#lists.limits.most_lists });
    }
  }
}
