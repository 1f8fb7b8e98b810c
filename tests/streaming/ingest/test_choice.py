"""Proves which market a choice makes: its one line, whose clock it follows, and where each goes on."""

from pathlib import Path
from typing import Any

import pytest

from streaming.domain.windows import end_ms, seq_of
from streaming.errors import BadRecording
from streaming.ingest.choice import Choice, choice_for, market_for, speed_of
from streaming.ingest.market import Market
from streaming.records.newest import Newest
from streaming.records.pushed import PushedTick
from streaming.records.versions import pack
from tests.streaming.ingest.scripted import calendar

NOW = 1_795_600_000_000
KNOWN = {"600519.SH": Newest(7, 10, 12, 9, 11, 100, 1100, "trading", 10, "2023-02-01", 10, 12, 9, 100, 1100)}


class Kept:
    """Stands where the store is, with three pushed entries."""

    lane = "CN"

    def calendar(self) -> Any:
        return calendar()

    def wanted(self) -> bool:
        return True

    def last_pushed(self) -> str:
        return "3-0"

    def pushed(self, after: str, count: int) -> list[tuple[str, list[bytes]]]:
        tick = pack(PushedTick("600519.SH", "", 90, 95, 110, 94, 100, 10, 1000))
        return [(f"{nth}-0", [tick]) for nth in range(int(after.split("-", maxsplit=1)[0]) + 1, 4)]


def market(choice: Choice, *, resume_after: int | None = None, positions: dict[str, str] | None = None) -> Market:
    store: Any = Kept()
    newest = KNOWN if resume_after else {}
    made = market_for(
        choice, store, newest=newest, resume_after=resume_after, now_ms=NOW, positions=positions or {}
    )  # fmt: skip
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("lane", "setting", "choice"),
    [
        ("TEST", {"feed": "replay"}, Choice("test")),
        ("CN", {}, Choice("simulated", seed=7)),
        ("CN", {"feed": "simulated", "seed": 8}, Choice("simulated", seed=8)),
        ("CN", {"feed": "simulated", "seed": True}, Choice("simulated", seed=7)),
        ("HK", {"feed": "replay", "data": "/d", "speed": "max", "run": 2}, Choice("replay", "/d", "max", run=2)),
        ("HK", {"feed": "push"}, Choice("push")),
        ("HK", {"feed": "nonsense"}, Choice("none")),
    ],
)
def test_an_operators_choice_goes_before_the_process_s_own(lane, setting, choice, settings) -> None:
    settings.FEED, settings.SIMULATED_SEED = "simulated", 7

    assert choice_for(lane, setting) == choice


@pytest.mark.parametrize("feed", ["simulated", "test", "push"])
def test_what_is_live_follows_the_wall_clock(feed: str) -> None:
    made = market(Choice(feed))

    assert (made.name, made.speed, made.recorded, made.finished) == (feed, 1.0, False, False)


def test_made_up_windows_close_after_the_delay_and_pushed_ones_at_their_end(settings) -> None:
    settings.CLOSE_DELAY_SECONDS = 0.5
    end = end_ms(seq_of(NOW))

    for feed, delay_ms in (("simulated", 500), ("push", 0)):
        made = market(Choice(feed))
        list(made.due(end - 1))  # those that were open a moment ago
        assert [window.closed.seq for window in made.due(end + delay_ms)][-1] == seq_of(NOW)


def test_a_new_simulated_stream_says_where_everything_stands_and_one_that_goes_on_does_not() -> None:
    (new, *_), (old, *_) = (
        market(Choice("simulated"), resume_after=resume_after).due(NOW + 3_000)
        for resume_after in (None, seq_of(NOW) - 2)
    )

    assert len(new.closed.references) > 500
    assert old.closed.references == []
    assert old.closed.seq == seq_of(NOW) - 1


def test_push_goes_on_behind_its_line_s_position_and_a_new_one_with_what_comes() -> None:
    made, new = market(Choice("push"), resume_after=seq_of(NOW) - 2, positions={"push": "1-0"}), market(Choice("push"))

    *_, last = made.due(NOW + 3_000)
    *_, last_of_new = new.due(NOW + 3_000)

    assert list(last.positions.values()) == ["1-0"], "what was read now counts in the window that is open"
    *_, closed = made.due(NOW + 6_000)
    assert closed.positions == {"push": "3-0"}
    assert last_of_new.positions == {"push": "3-0"}


def test_a_folder_for_another_market_makes_none(tmp_path: Path) -> None:
    store: Any = Kept()

    with pytest.raises(BadRecording):
        market_for(Choice("replay", str(tmp_path)), store, newest={}, resume_after=None, now_ms=NOW, positions={})
    assert market_for(Choice("none"), store, newest={}, resume_after=None, now_ms=NOW, positions={}) is None


@pytest.mark.data
def test_a_recording_runs_on_its_own_clock(market_data: Path) -> None:
    made = market(Choice("replay", str(market_data / "replay-l2-20230201"), "60"))

    assert (made.name, made.speed, made.recorded) == ("replay", 60.0, True)


@pytest.mark.parametrize(("text", "speed"), [("max", 0.0), ("1", 1.0), ("0.01", 0.01), ("100000", 100_000.0)])
def test_a_speed_is_a_number_of_times_or_max(text: str, speed: float) -> None:
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["", "0", "0.009", "100001", "nan", "inf", "fast", "-1"])
def test_any_other_speed_is_refused(text: str) -> None:
    with pytest.raises(BadRecording, match="neither a number"):
        speed_of(text)
