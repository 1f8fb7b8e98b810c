"""JSON as one reads what is signed: a key stands once, and a part keeps its very bytes. Pure."""

import json
from json.decoder import JSONDecodeError
from typing import Any

_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


def read_object(text: str | bytes) -> dict[str, Any]:
    """Read an object.

    Raises:
        ValueError: it is none, a key stands twice at any depth, it nests without end, or is no UTF-8.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def raw_members(text: str) -> dict[str, str]:
    """Return an object's members with their values as they were written, character for character.

    Raises:
        ValueError: it is no object, or a key stands twice.
    """
    members: dict[str, str] = {}
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("it is no JSON object")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _value(text, at)
        at = _skip(text, at)
        if not isinstance(key, str) or text[at : at + 1] != ":":
            raise ValueError("a member has a name and a colon")
        if key in members:
            raise ValueError(f"{key[:60]!r} stands twice")
        begins = _skip(text, at + 1)
        _, at = _value(text, begins)
        members[key] = text[begins:at]
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "}":
            raise ValueError("members stand between commas")
    if _skip(text, at + 1) != len(text):
        raise ValueError("something follows the object")
    return members


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    except JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg}") from None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number")
