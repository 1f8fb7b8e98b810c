"""`tickpack find`: instruments by code, name, pinyin or initials, as a node's list has them."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlsplit

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streaming.client.routes import http_base
from streaming.client.settings import Access

_SECONDS = 8.0
_MATCHED = {"former_code": "under a former code", "former_name": "under a former name"}


class CannotFind(Exception):
    """No address answered; the text says why and what to do."""


def find(
    access: Access, asked: list[str], *, market: str, limit: int, as_json: bool, console: Console | None = None
) -> int:
    """Show what is found for each thing that was asked for; return 0 when something was found for all of them."""
    say = (console or Console()).print
    try:
        answer = _ask(access, asked, market, limit)
    except CannotFind as error:
        say(f"tickpack: {escape(str(error))}", soft_wrap=True)
        return 1
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        for result in answer["results"]:
            say(_shown(result))
            if result["ambiguous"]:
                symbols = " or ".join(item["symbol"] for item in result["items"] if item["matched"] == "code")
                say(f"{escape(result['q'])} is the code of several products: write {symbols}", soft_wrap=True)
    return 0 if all(result["items"] for result in answer["results"]) else 1


def _ask(access: Access, asked: list[str], market: str, limit: int) -> dict[str, Any]:
    """Return the first answer of an address.

    Raises:
        CannotFind: there is none.
    """
    said = ""
    for url in access.urls:
        host = urlsplit(url).netloc
        query = f"q={quote(','.join(asked), safe='')}&limit={limit}" + (f"&market={market}" if market else "")
        request = urllib.request.Request(f"{http_base(url)}/v1/instruments?{query}", headers=access.headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            with error:
                said = _refused(host, error.code, error.read(2000))
            if error.code not in (404, 503):
                break  # another node would say the same of this token and this question
        except (OSError, ValueError) as error:
            said = f"{host} cannot be reached: {error or type(error).__name__}"
    raise CannotFind(said)


def _refused(host: str, status: int, body: bytes) -> str:
    if status == 404:
        return (
            f"the node at {host} is older than this program and cannot search. "
            "Write whole symbols, like 600519.SH or 00700.HK, or ask its operator for a newer version."
        )
    try:
        said = json.loads(body)["message"]
    except (ValueError, TypeError, KeyError):
        said = ""
    return f"{host} answered {status}: {said or 'no reason'}"


def _shown(result: dict[str, Any]) -> Table | str:
    if not result["items"]:
        return f"{escape(result['q'])}: nothing is found"
    table = Table(title=escape(result["q"]), title_justify="left", box=None, pad_edge=False, header_style="bold")
    for head in ("symbol", "name", "English", "market", "board", "kind", ""):
        table.add_column(head, no_wrap=head == "symbol")
    for item in result["items"]:
        notes = [item["state"]] if item["state"] != "trading" else []
        notes += [_MATCHED[item["matched"]]] if item["matched"] in _MATCHED else []
        cells = [item[name] for name in ("symbol", "name_zh", "name_en", "market", "board", "kind")]
        table.add_row(*map(escape, cells), escape(", ".join(notes)))
    return table
