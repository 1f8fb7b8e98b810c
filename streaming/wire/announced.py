"""What an operator announces, as it comes over the control channel and as languages tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("info", "planned", "incident", "resolved")
LANGUAGES = ("en", "zh")
_AT = "2026-03-09T06:30:01.500Z"
EXAMPLE: dict[str, Any] = {
    "id": 12,
    "update": 31,
    "kind": "incident",
    "market": "HK",
    "title": {"en": "Hong Kong is late", "zh": "港股行情延迟"},
    "text": {"en": "Prices come some seconds late.", "zh": "行情推送延迟数秒。"},
    "at": _AT,
    "starts_at": _AT,
    "ends_at": None,
}


@dataclass(frozen=True, slots=True)
class Announced:
    """One update of an announcement.

    Args:
        id, update: of the announcement, and of what was said of it now; told twice both are the same.
        market: whom it concerns; "" is everybody.
        title, text: by language, en and zh.
        at, starts_at, ends_at: as ISO 8601 in UTC; ends_at is "" where nobody knows.
    """

    id: int
    update: int
    kind: str
    market: str
    title: Mapping[str, str]
    text: Mapping[str, str]
    at: str
    starts_at: str
    ends_at: str


def read(told: Mapping[str, Any]) -> Announced:
    """Return what a control message tells.

    Raises:
        ValueError: it is none that this version understands.
    """
    try:
        found = Announced(
            id=int(told["id"]),
            update=int(told["update"]),
            kind=str(told["kind"]),
            market=str(told["market"] or ""),
            title={name: str(told["title"][name]) for name in LANGUAGES},
            text={name: str(told["text"][name]) for name in LANGUAGES},
            at=str(told["at"]),
            starts_at=str(told["starts_at"]),
            ends_at=str(told["ends_at"] or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no announcement: {type(error).__name__} {error}") from None
    if found.kind not in KINDS:
        raise ValueError(f"no announcement: of kind {found.kind!r}")
    return found
