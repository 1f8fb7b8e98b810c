"""What docs/protocol.md says a node may send: the page is the judge of what a client gets."""

import json
import re
from functools import cache

from benchmarks.soak.ground import ROOT

_WORD = re.compile(r"`(\w+)`")


@cache
def _page() -> str:
    return (ROOT / "docs" / "protocol.md").read_text()


def _between(start: str, end: str) -> str:
    return _page().partition(start)[2].partition(end)[0]


@cache
def types() -> frozenset[str]:
    return frozenset(re.findall(r'\{"type":"(\w+)"', _between("## Server messages", "## Close codes")))


@cache
def error_codes() -> frozenset[str]:
    return frozenset(_WORD.findall(_between("Error codes of messages:", "Reasons in")))


@cache
def reasons() -> frozenset[str]:
    return frozenset(_WORD.findall(_between("Reasons in `rejected`:", "\n\n")))


@cache
def resume_reasons() -> frozenset[str]:
    return frozenset(_WORD.findall(_between("null where there is none. Reasons:", "\n\n")))


@cache
def close_codes() -> frozenset[int]:
    return frozenset(int(code) for code in re.findall(r"(?m)^\| (\d{4}) \|", _between("## Close codes", "\n## ")))


# What a client says -> what it is answered, unless that is an error.
ANSWERS = {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "list": "list", "snapshot": "snapshot",
           "ping": "pong"}  # fmt: skip


def complaint(text: bytes) -> str:
    """Return what about a server's message is not in the page; nothing where all is."""
    try:
        message = json.loads(text)
    except ValueError:
        return "not JSON"
    if not isinstance(message, dict) or message.get("type") not in types():
        return f"type {message.get('type') if isinstance(message, dict) else message!r}"
    if message["type"] == "error" and message.get("code") not in error_codes():
        return f"error code {message.get('code')}"
    for rejection in message.get("rejected", ()):
        if rejection.get("reason") not in reasons():
            return f"reason {rejection.get('reason')}"
    for verdict in message.get("resume", {}).values():
        if not verdict["recovered"] and verdict.get("reason") not in resume_reasons():
            return f"resume reason {verdict.get('reason')}"
    return ""
