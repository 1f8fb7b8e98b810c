"""Keeping open sockets at what their customers may: when time changes it, and where a control message was lost."""

import asyncio
import itertools

import redis

from kernel import clock
from streaming import metrics
from streaming.runtime.draining import Drain
from streaming.runtime.errands import Errands
from streaming.runtime.open_sockets import OpenSocket, OpenSockets
from streaming.runtime.quota_returns import QuotaReturns
from streaming.store import access
from streaming.store.quota import QuotaRegistry

REFRESH_SECONDS = 15.0  # makes up for control messages that were lost
_AT_ONCE = 250  # customers that are looked up in one round trip
_RECONCILE_ROUNDS = 40  # every socket's place in the quota registry is said again every ten minutes
_PACE = 200  # of those a second
_DUE_SECONDS = 0.5  # how often it is asked whose entitlement changes by the clock


class Refreshing:
    """The two jobs of one process that call `refresh_entitlement` of its sockets."""

    def __init__(
        self, sockets: OpenSockets, errands: Errands, quota: QuotaRegistry, returns: QuotaReturns, drain: Drain
    ) -> None:
        self._sockets, self._errands, self._quota = sockets, errands, quota
        self._returns, self._drain = returns, drain
        self._due_s = float("inf")  # no socket is due before

    def due(self, at_s: float) -> None:
        """Note that a socket's entitlement changes by the clock then."""
        self._due_s = min(self._due_s, at_s)

    async def run_when_due(self) -> None:
        """Refresh each socket at the second at which a step of its entitlement begins."""
        while True:
            await asyncio.sleep(_DUE_SECONDS)
            now_s = clock.now_ms() / 1000
            if self._due_s > now_s:
                continue
            sockets = self._sockets.all()
            for socket in sockets:
                if socket.due_s <= now_s:
                    self._refresh(socket)  # which says when it is due next
            self._due_s = min((one.due_s for one in sockets if one.due_s > now_s), default=float("inf"))

    async def run_periodically(self) -> None:
        """Look at everything again now and then: drain orders, quota that is owed, entitlements."""
        lost = self._quota.lost
        for turn in itertools.count(1):
            await self._drain.look()
            await asyncio.sleep(REFRESH_SECONDS)
            await self._returns.settle()
            # A store that came back empty is told everything again; else now and then is enough.
            if turn % _RECONCILE_ROUNDS == 0 or self._quota.lost != lost:
                lost = self._quota.lost
                await self._refresh_all()
            else:
                await self._refresh_what_has_changed()

    async def _refresh_all(self) -> None:
        for count, socket in enumerate(self._sockets.all()):
            self._refresh(socket)
            if count % _PACE == _PACE - 1:
                await asyncio.sleep(1)

    async def _refresh_what_has_changed(self) -> None:
        """Look everybody up, many in one round trip; a socket is troubled only where something is new."""
        sockets = [one for one in self._sockets.all() if one.claims is not None]
        for start in range(0, len(sockets), _AT_ONCE):
            some = sockets[start : start + _AT_ONCE]
            try:
                found = await access.look_up([one.claims for one in some if one.claims is not None])
            except (redis.RedisError, OSError):
                metrics.store_errors.inc()
                return  # time goes on without the store: run_when_due
            for socket, record in zip(some, found, strict=True):
                # A page hears of what it has lost by a control message, or here.
                if not socket.is_current(record) or (socket.claims is not None and socket.claims.viewer):
                    self._refresh(socket)
            await asyncio.sleep(0.05)

    def _refresh(self, socket: OpenSocket) -> None:
        self._errands.run(socket.refresh_entitlement())
