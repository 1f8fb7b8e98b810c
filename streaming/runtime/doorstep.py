"""Clients that have connected and not sent their token yet: they are nobody's, so no customer's limit holds them back.

So many of an address, so many in all; when that is full, who has been silent for longest goes. A client that means it
sends its token at once, so nobody can shut the door for the others by standing in it.
"""

from collections.abc import Callable, Iterator

from streaming.errors import TooManyConnections
from streaming.runtime.viewers import network_of

MOST_OF_ADDRESS, MOST = 200, 1000  # of one process; a fleet behind one address comes back at once


class Doorstep:
    """The clients of one process that wait for their turn to say who they are."""

    def __init__(self) -> None:
        self._places: set[Place] = set()
        self._of: dict[str, dict[Place, None]] = {}  # by network, in their order
        self._silent: dict[Place, None] = {}  # in their order

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, address: str, turn_away: Callable[[], object]) -> "Place":
        """Take a client in; where it is full the oldest silent one is turned away for it, of its own address first.

        Args:
            address: where it comes from; of an IPv6 address its /64 counts, which is one customer's line.
            turn_away: called when it has to go; its place is free already.

        Raises:
            TooManyConnections: all who wait have said something.
        """
        network = network_of(address)
        if len(neighbours := self._of.get(network, {})) >= MOST_OF_ADDRESS:
            self._make_room(one for one in neighbours if one in self._silent)
        if len(self._places) >= MOST:
            self._make_room(iter(self._silent))
        place = Place(self, network, turn_away)
        self._places.add(place)
        self._of.setdefault(network, {})[place] = None
        self._silent[place] = None
        return place

    def _make_room(self, silent: Iterator["Place"]) -> None:
        oldest = next(silent, None)
        if oldest is None:
            raise TooManyConnections("too many clients have not sent their token yet")
        oldest.leave()
        oldest.turn_away()

    def _heard(self, place: "Place") -> None:
        self._silent.pop(place, None)

    def _forget(self, place: "Place") -> None:
        self._places.discard(place)
        self._silent.pop(place, None)
        neighbours = self._of.get(place.network, {})
        neighbours.pop(place, None)
        if not neighbours:
            self._of.pop(place.network, None)


class Place:
    """One client's."""

    def __init__(self, doorstep: Doorstep, network: str, turn_away: Callable[[], object]) -> None:
        self._doorstep, self.network, self.turn_away = doorstep, network, turn_away

    def heard(self) -> None:
        """Note that the client has said something."""
        self._doorstep._heard(self)

    def leave(self) -> None:
        """Give the place back; nothing happens the second time."""
        self._doorstep._forget(self)
