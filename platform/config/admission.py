"""How many requests work with the database at once, and what happens to those beyond.

Django gives each request under ASGI a thread and a connection of its own: 400 pages at once took every connection that
PostgreSQL has, and payment notices then failed with them. Here so many work, so many wait a while, and the rest is
asked to come again; notices have a line of their own that no page can fill.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from config import plain_pages
from config.bodies import Application, refuse
from config.databases import NOTICES_AT_ONCE

RETRY_SECONDS = 3
_WAITING = 200  # beyond that many in line the last would not be served in time anyway
_WAIT_SECONDS = 8.0
_NOTICES = "/payments/"


class Overloaded(Exception):
    """The line is too long, or did not move in time."""


class Line:
    """So many at once, and so many more who wait in the order in which they came.

    Args:
        at_once: how many may be inside.
        waiting: how many may wait; whoever comes then is refused at once.
        seconds: how long anybody waits.
    """

    def __init__(self, at_once: int, waiting: int = _WAITING, seconds: float = _WAIT_SECONDS) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._room, self._seconds = waiting, seconds
        self.refused = 0

    async def enter(self) -> Callable[[], None]:
        """Return what to call, once or more, when the work is done.

        Raises:
            Overloaded: there is no room, or no slot came free in time.
        """
        if self._slots.locked():
            if self._room <= 0:
                self.refused += 1
                raise Overloaded
            self._room -= 1
            try:
                async with asyncio.timeout(self._seconds):
                    await self._slots.acquire()
            except TimeoutError:
                self.refused += 1
                raise Overloaded from None
            finally:
                self._room += 1
        else:
            await self._slots.acquire()
        inside = [True]

        def leave() -> None:
            if inside:
                inside.clear()
                self._slots.release()

        return leave


class Admission:
    """An application of pages behind two lines: payment notices have one for themselves."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._pages, self._notices = Line(settings.PAGES_AT_ONCE), Line(NOTICES_AT_ONCE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        line = self._notices if scope["path"].startswith(_NOTICES) else self._pages
        try:
            leave = await line.enter()
        except Overloaded:
            await answer_unavailable(scope, send)
            return

        async def sent(message: Any) -> None:
            # The thread's work is done when its answer begins; a client that reads slowly keeps nobody out.
            leave()
            await send(message)

        try:
            await self._application(scope, receive, sent)
        finally:
            leave()


async def answer_unavailable(scope: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer 503 with Retry-After: a page to a browser, JSON to programs."""
    accepts = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    await refuse(
        send,
        503,
        "unavailable",
        f"too many requests at this moment; try again in {RETRY_SECONDS} s",
        [(b"retry-after", str(RETRY_SECONDS).encode())],
        path=scope["path"],
        html=plain_pages.page(503, _language(scope)) if b"text/html" in accepts else None,
    )


def _language(scope: Any) -> str:
    """Return the first language that a browser asks for; a cookie is not looked at."""
    asked = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return str(asked.split(b",")[0].split(b";")[0].strip().decode("ascii", "replace")) or "en"
