"""Nobody shuts the door for others by standing in it: the oldest silent client goes, of one's own address first."""

import pytest

from streaming.errors import TooManyConnections
from streaming.runtime.doorstep import MOST, MOST_OF_ADDRESS, Doorstep

FULL = [f"192.0.2.{nth % 200}" for nth in range(MOST)]


class Waiting:
    def __init__(self, doorstep: Doorstep, address: str) -> None:
        self.turned_away = 0
        self.place = doorstep.enter(address, self._turn_away)

    def _turn_away(self) -> None:
        self.turned_away += 1


def gone(some: list[Waiting]) -> list[int]:
    return [nth for nth, one in enumerate(some) if one.turned_away]


def test_when_it_is_full_the_oldest_silent_one_goes_first():
    doorstep = Doorstep()
    some = [Waiting(doorstep, address) for address in FULL]
    some[0].place.heard()

    Waiting(doorstep, "198.51.100.1")

    assert (gone(some), len(doorstep)) == ([1], MOST)


def test_an_address_that_has_its_bound_pushes_out_its_own_and_nobody_elses():
    doorstep = Doorstep()
    other = Waiting(doorstep, "198.51.100.1")
    some = [Waiting(doorstep, "192.0.2.1") for _ in range(MOST_OF_ADDRESS + 2)]

    assert (gone(some), other.turned_away, len(doorstep)) == ([0, 1], 0, MOST_OF_ADDRESS + 1)


def test_who_has_said_something_is_not_pushed_out_but_who_comes_is_refused():
    doorstep = Doorstep()
    some = [Waiting(doorstep, "192.0.2.1") for _ in range(MOST_OF_ADDRESS)]
    for one in some:
        one.place.heard()

    with pytest.raises(TooManyConnections):
        Waiting(doorstep, "192.0.2.1")

    assert gone(some) == []
    Waiting(doorstep, "192.0.2.2")


def test_a_place_that_was_given_back_is_free_and_giving_it_back_twice_changes_nothing():
    doorstep = Doorstep()
    one = Waiting(doorstep, "192.0.2.1")
    one.place.leave()
    one.place.leave()
    one.place.heard()

    assert len(doorstep) == 0
    assert [len(kept) for kept in (doorstep._of, doorstep._silent)] == [0, 0]


def test_addresses_of_one_line_are_one():
    doorstep = Doorstep()
    some = [Waiting(doorstep, f"2001:db8:0:1::{nth:x}") for nth in range(1, MOST_OF_ADDRESS + 2)]

    assert gone(some) == [0]
    mapped = [Waiting(doorstep, address) for address in ("::ffff:192.0.2.1", "192.0.2.1", "")]
    assert {one.place.network for one in mapped} == {"192.0.2.1", ""}
