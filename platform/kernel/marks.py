"""Marks that views carry for whoever serves them; the apps that have such views may not know who that is."""

from collections.abc import Callable
from typing import Any, TypeVar

_View = TypeVar("_View", bound=Callable[..., Any])


def straight(view: _View) -> _View:
    """Mark an asynchronous view that needs no session, language, database or host name (served by config.straight)."""
    view.straight = True  # type: ignore[attr-defined]
    return view
