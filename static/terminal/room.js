// Which row gives way to one that the pack has no room for. Pure.
const FREE = "TEST.CN"; // takes no room of a pack

/**
 * Return the symbol that would give its room to another one: the last that is followed, one without a chart before one with; null for none.
 * @param {{symbol: string, following: string}[]} rows in the list's own order @param {string[]} charted
 */
export function givesWay(rows, charted) {
  const followed = rows.filter(({ symbol, following }) => following === "followed" && symbol !== FREE).map(({ symbol }) => symbol);
  return followed.findLast((one) => !charted.includes(one)) ?? followed.at(-1) ?? null;
}

/** Return a list's order in which two symbols have changed places: who is followed first is who comes first. */
export function exchanged(symbols, one, other) { return symbols.map((symbol) => ({ [one]: other, [other]: one })[symbol] ?? symbol); }
