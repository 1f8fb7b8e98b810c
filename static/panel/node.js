// What a page asks of a node with the buyer's token. Cookies have no say there.

// Returns {ok, status, body}; throws where the node does not answer at all, or something else answers in its place.
export async function ask(url, token, method = "GET") {
  const answer = await fetch(url, {
    method, headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(6000),
  });
  return { ok: answer.ok, status: answer.status, body: await answer.json() };
}

export function tokenOf(box) {
  return document.getElementById(box.dataset.tokenId).textContent.trim();
}
