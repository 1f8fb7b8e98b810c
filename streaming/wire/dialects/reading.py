"""What most languages share when they read a client's message."""

import json
from typing import Any

from kernel.errors import Malformed


def json_object(text: str) -> dict[str, Any]:
    """Return a message that must be a JSON object.

    Raises:
        Malformed: it is none.
    """
    try:
        message = json.loads(text)
    except RecursionError:
        raise Malformed("the message is nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"the message is not JSON: {str(error)[:120]}") from None
    if not isinstance(message, dict):
        raise Malformed('the message must be an object like {"action": "subscribe", "symbols": ["600519.SH"]}')
    return message


def texts(value: object, name: str, most: int, ref: object = None, least: int = 1) -> tuple[str, ...]:
    """Return a list of so many texts.

    Raises:
        Malformed: it is no list, or of something else, or of too few or many.
    """
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Malformed(f"{name} must be a list of texts", ref=ref)
    if not least <= len(value) <= most:
        raise Malformed(f"{name} must name {least} to {most}, not {len(value)}", ref=ref)
    return tuple(value)
