// What the reader must know, each in a sentence of its own with its button; one line for each cause, gone with it.
import { say } from "./words.js";

const PASSING_MS = 12_000;

export class Notices {
  #place; #lines = new Map(); #links;

  /** @param {HTMLElement} place @param {Object<string, string>} links addresses by the name of a button */
  constructor(place, links) { this.#place = place; this.#links = links; }

  /**
   * Say something until it is taken back.
   * @param {string} cause one line for each
   * @param {{kind?: "info"|"warning"|"error", values?: object, link?: string, action?: () => void, label?: string, passing?: boolean}} how
   */
  set(cause, key, { kind = "info", values = {}, link = "", action = null, label = "", passing = false } = {}) {
    const text = say(key, values), line = this.#lines.get(cause) ?? this.#made(cause);
    line.className = `note ${kind === "info" ? "" : kind}`;
    line.firstChild.textContent = text;
    line.querySelectorAll("a, button").forEach((one) => one.remove());
    if (link) {
      const button = Object.assign(document.createElement("a"), { href: this.#links[link], textContent: say(`button_${link}`) });
      button.setAttribute("role", "button");
      line.append(button);
    }
    if (action) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: say(label) });
      button.addEventListener("click", action);
      line.append(button);
    }
    if (passing || kind === "info") {
      const close = Object.assign(document.createElement("button"), { type: "button", className: "close", textContent: "×" });
      close.setAttribute("aria-label", say("dismiss"));
      close.addEventListener("click", () => this.clear(cause));
      line.append(close);
    }
    clearTimeout(line.timer);
    if (passing) line.timer = setTimeout(() => this.clear(cause), PASSING_MS);
  }

  clear(cause) {
    const line = this.#lines.get(cause);
    if (!line) return;
    clearTimeout(line.timer);
    line.remove();
    this.#lines.delete(cause);
  }

  /** Take back all whose cause begins so. */
  clearAll(beginning) { for (const cause of [...this.#lines.keys()]) if (cause.startsWith(beginning)) this.clear(cause); }

  #made(cause) {
    const line = document.createElement("p");
    line.dataset.cause = cause;
    line.append(document.createElement("span"));
    this.#lines.set(cause, line);
    this.#place.append(line);
    return line;
  }
}

/** Which sentence and button an end of the stream has: [words' key, link]. Pure. @param {{code?: number, why?: string}} error */
export function endOf({ code, why } = {}) {
  const known = {
    subscription_expired: ["ended_expired", "renew"], token_revoked: ["ended_revoked", "dashboard"], customer_deactivated: ["ended_deactivated", ""],
    token_expired: ["ended_signed_out", "reload"], token_invalid: ["ended_signed_out", "reload"], token_unknown_key: ["ended_signed_out", "reload"],
    origin_not_allowed: ["ended_origin", ""], logged_out: ["ended_signed_out", "reload"], permission_denied: ["ended_signed_out", "reload"], no_entitlement: ["ended_expired", "renew"], too_many_viewers: ["ended_viewers", "reload"],
  };
  if (known[why]) return known[why];
  return code === 4409 ? ["ended_replaced", "reload"] : code === 4401 ? ["ended_expired", "renew"] : ["ended_refused", "dashboard"];
}
