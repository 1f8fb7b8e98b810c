"""Threads of history's own: a slow ClickHouse must not take those that everything else shares."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_EXECUTOR = ThreadPoolExecutor(max_workers=4, thread_name_prefix="history")


async def run(question: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Ask history without holding the event loop up."""
    return await asyncio.get_running_loop().run_in_executor(_EXECUTOR, partial(question, *args, **kwargs))
