"""A language that says nothing but its name: it has no word for anything, and nothing is made up."""

import pytest

from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.intervals import FormedBar
from streaming.errors import Unsupported
from streaming.records.window import Book, Print
from streaming.reference import directory
from streaming.wire import announced
from streaming.wire.channels import Channel
from streaming.wire.dialect import AuthPlacement, Dialect, Rules, brought
from streaming.wire.requests import List, Ping, SnapshotRequest
from tests.streaming.spoken import DIALECTS

LISTED = directory()
MOUTAI = InstrumentId.parse("600519.SH")
BOOK = Book("600519.SH", 1, 0, 1, 1, 1, 1, 1, 1, 1, [], [])
PRINT = Print("600519.SH", 1, 0, 1, 1, 1, "B")


class Mute(Dialect):
    name = "mute"


SAYS = {
    "greeting": lambda d: d.greeting(),
    "welcome": lambda d: d.welcome(None),
    "subscribed": lambda d: d.subscribed(None),
    "unsubscribed": lambda d: d.unsubscribed(None),
    "listing": lambda d: d.listing(request=List(), current=[MOUTAI], used=1, max_subs=5),
    "snapshot": lambda d: d.snapshot(request=SnapshotRequest(), pictures={}, newest=[], rejected=[]),
    "pong": lambda d: d.pong(request=Ping(), now_ms=0),
    "error": lambda d: d.error(Unsupported()),
    "market_status": lambda d: d.market_status(market="CN", state="open", until_ms=None, epoch="e"),
    "instrument_status": lambda d: d.instrument_status(symbol="600519.SH", state="halted"),
    "heartbeat": lambda d: d.heartbeat(now_ms=0, last={}, epochs={}),
    "quota_changed": lambda d: d.quota_changed(max_subs=5, used=1, dropped={}),
    "announcement": lambda d: d.announcement(announced.read(announced.EXAMPLE)),
    "expiring": lambda d: d.expiring(seconds=60, ends_at_s=0),
    "slow_reader": lambda d: d.slow_reader(skipped=1),
    "resumed": lambda d: d.resumed(market="CN", seq=1, recovered=True),
    "farewell": lambda d: d.farewell(4401, "expired"),
    "bar": lambda d: d.bar_encoder(1)("600519.SH", 1, 1, 1, 1, 1, 1),
    "formed": lambda d: d.formed("600519.SH", "1m", 1, FormedBar(0, 1, 1, 1, 1, 1, 1), final=True),
    "tick": lambda d: d.tick("600519.SH", PRINT, None),
    "quote": lambda d: d.quote("600519.SH", BOOK),
    "depth": lambda d: d.depth("600519.SH", BOOK),
}


@pytest.mark.parametrize("what", SAYS)
def test_a_language_has_no_word_for_what_it_does_not_say(what):
    assert SAYS[what](Mute(LISTED)) == ""


def test_an_answer_and_a_stamped_text_stay_as_they_are_unless_a_language_changes_them():
    assert Mute(LISTED).said("text", customer="alice", now_ms=0) == "text"
    assert Mute(LISTED).stamped("text", closed_ms=1, sent_ms=2) == "text"


def test_symbols_are_canonical_unless_a_language_has_forms_of_its_own():
    assert Mute(LISTED).resolve("700.hk") == InstrumentId.parse("00700.HK")
    with pytest.raises(BadSymbol):
        Mute(LISTED).resolve("no symbol at all")
    assert Mute(LISTED).shown(Channel(MOUTAI)) == "600519.SH"
    assert Mute(LISTED).shown(Channel(MOUTAI, form="sh600519")) == "sh600519"


def test_a_refusal_before_the_upgrade_has_our_own_form():
    assert Mute(LISTED).refusal(Unsupported("no")) == {"code": "unsupported", "message": "no"}


def test_a_language_must_read_what_its_clients_say():
    with pytest.raises(NotImplementedError):
        Mute(LISTED).parse("{}")
    with pytest.raises(NotImplementedError):
        Mute(LISTED).restored(["600519.SH"])


def test_a_bare_language_takes_its_token_in_the_header_and_sixty_messages_at_once():
    assert Mute.auth == AuthPlacement(headers=(), query=(), by_message=False, any_origin=True)
    assert (Mute.rules, Mute.rules.burst, Mute.rules.most_symbols) == (Rules(), 60, None)


def test_the_languages_are_the_packages_that_have_a_socket():
    found = DIALECTS

    assert {"native", "itick", "tickdb", "alltick", "realtime_hk", "rt_receiver"} <= set(found)
    assert all(name == spoken.name for name, spoken in found.items())
    assert len(brought("socket")) == len(found)
    assert brought("a_module_that_no_language_has") == {}


def test_no_two_languages_listen_at_one_address():
    paths = [path for spoken in DIALECTS.values() for path in spoken.paths]

    assert sorted(paths) == sorted(set(paths))
