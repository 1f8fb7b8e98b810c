"""Where a page's token is let in, and under whose name somebody without an account is counted."""

from dataclasses import replace

import pytest

from kernel.scope import Scope, Step
from kernel.tokens import Claims, ViewerElsewhere, ViewerOrigin
from streaming.runtime.viewers import admitted, network_of
from tests.streaming.conftest import PANEL

NOTHING: frozenset[str] = frozenset()
PROGRAM = Claims(Scope("alice", "local", 1, (Step(0, 5, 2, NOTHING, NOTHING),)), "j", 0, 9)
PAGE = replace(PROGRAM, viewer=True)
GUEST = replace(PAGE, scope=replace(PAGE.scope, customer="guest"))


@pytest.mark.parametrize("origin", ["", PANEL, "https://evil.example"])
@pytest.mark.parametrize("taken", [True, False])
def test_a_programs_token_is_nothing_of_this(origin, taken):
    assert admitted(PROGRAM, taken=taken, address="192.0.2.1", origin=origin) is PROGRAM


def test_a_pages_token_is_the_panels_pages_alone():
    assert admitted(PAGE, taken=True, address="192.0.2.1", origin=PANEL) is PAGE
    for origin in ("", "https://evil.example", "null"):
        with pytest.raises(ViewerOrigin):
            admitted(PAGE, taken=True, address="192.0.2.1", origin=origin)


def test_a_language_that_no_page_speaks_refuses_it():
    for claims in (PAGE, GUEST):
        with pytest.raises(ViewerElsewhere):
            admitted(claims, taken=False, address="192.0.2.1", origin=PANEL)


def test_a_guest_is_counted_by_address():
    names = {
        admitted(GUEST, taken=True, address=address, origin=PANEL).scope.customer
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "::ffff:192.0.2.1")
    }

    assert names == {"guest:192.0.2.1", "guest:192.0.2.2", "guest:2001:db8::/64"}
    assert admitted(GUEST, taken=True, address="192.0.2.1", origin=PANEL).guest


def test_what_is_no_address_is_one_line_of_its_own():
    assert network_of("unix:") == "unix:"
