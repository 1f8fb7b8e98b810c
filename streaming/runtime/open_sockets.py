"""The sockets of one process that have been let in, by customer and group, and what others may ask of one."""

from collections.abc import Mapping
from typing import Any, Protocol

from kernel.instruments import InstrumentId
from kernel.tokens import Claims
from streaming.store.access import Record
from streaming.wire.announced import Announced


class OpenSocket(Protocol):
    """What a process asks of a socket. Every coroutine may end it, and raises nothing."""

    field: str  # its place in the quota registry
    jti: str
    claims: Claims | None
    due_s: float  # epoch seconds at which its entitlement changes by the clock alone

    def describe(self) -> dict[str, Any]:
        """Return what only its own process knows of it, for its owner."""
        ...

    def is_current(self, record: Record) -> bool:
        """Tell whether what is stored of its customer and token is nothing new to it."""
        ...

    async def refresh_entitlement(self) -> None:
        """Look its customer's entitlement up and follow less, more or nothing from now on."""
        ...

    async def sync_stored(self) -> None:
        """Follow what its customer has stored over REST."""
        ...

    async def rename(self, moved: Mapping[InstrumentId, InstrumentId]) -> None:
        """End where it follows what has another code from now on (old -> new): a new subscribe finds the new one."""
        ...

    async def announce(self, told: Announced) -> None:
        """Tell its client what the operator announces, where that concerns it."""
        ...

    async def end(self, code: int, reason: str) -> None:
        """Close it from our side."""
        ...


class OpenSockets:
    """See the module."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], set[OpenSocket]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def enter(self, customer: str, group: str, socket: OpenSocket) -> None:
        """Take a socket in."""
        self._of.setdefault((customer, group), set()).add(socket)

    def leave(self, customer: str, group: str, socket: OpenSocket) -> None:
        """Forget a socket; one that is not here is no error."""
        of_customer = self._of.get((customer, group))
        if of_customer is not None:
            of_customer.discard(socket)
            if not of_customer:
                del self._of[customer, group]

    def of(self, customer: str, group: str) -> list[OpenSocket]:
        """Return a customer's sockets."""
        return list(self._of.get((customer, group), ()))

    def all(self) -> list[OpenSocket]:
        """Return every socket."""
        return [socket for sockets in self._of.values() for socket in sockets]
