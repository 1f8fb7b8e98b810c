"""Proves which market a choice makes: its one line, whose clock it follows, and where each goes on."""

from pathlib import Path
from typing import Any

import pytest

from streaming.domain.lines import LineSetting
from streaming.domain.windows import end_ms, seq_of
from streaming.errors import BadRecording
from streaming.ingest.choice import (
    Choice,
    choice_for,
    close_delay_ms_for,
    lines_for,
    market_for,
    paced_from_ms_of,
    speed_of,
)
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

    def last_pushed(self, line: str) -> str:
        return "3-0"

    def pushed(self, line: str, after: str, count: int) -> list[tuple[str, list[bytes]]]:
        tick = pack(PushedTick("600519.SH", "", 90, 95, 110, 94, 100, 10, 1000))
        return [(f"{nth}-0", [tick]) for nth in range(int(after.split("-", maxsplit=1)[0]) + 1, 4)]


def market(
    choice: Choice,
    *,
    resume_after: int | None = None,
    positions: dict[str, str] | None = None,
    setting: dict[str, Any] | None = None,
) -> Market:
    store: Any = Kept()
    newest = KNOWN if resume_after else {}
    made = market_for(
        choice, store, newest=newest, resume_after=resume_after, now_ms=NOW, positions=positions or {},
        lines=lines_for(setting or {}), close_delay_ms=close_delay_ms_for(choice, setting or {}),
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
        ("HK", {"feed": "push"}, Choice("live")),
        ("HK", {"feed": "nonsense"}, Choice("none")),
    ],
)
def test_an_operators_choice_goes_before_the_process_s_own(lane, setting, choice, settings) -> None:
    settings.FEED, settings.SIMULATED_SEED = "simulated", 7

    assert choice_for(lane, setting) == choice


@pytest.mark.parametrize("feed", ["simulated", "test", "live"])
def test_what_is_live_follows_the_wall_clock(feed: str) -> None:
    made = market(Choice(feed))

    assert (made.name, made.speed, made.recorded, made.finished) == (feed, 1.0, False, False)


def test_made_up_windows_close_after_the_delay_and_pushed_ones_at_their_end(settings) -> None:
    settings.CLOSE_DELAY_SECONDS = 0.5
    end = end_ms(seq_of(NOW))

    for feed, delay_ms in (("simulated", 500), ("live", 0)):
        made = market(Choice(feed))
        list(made.due(end - 1))  # those that were open a moment ago
        assert [window.closed.seq for window in made.due(end + delay_ms)][-1] == seq_of(NOW)


def test_the_delay_is_the_markets_own_where_an_operator_chose_one() -> None:
    end = end_ms(seq_of(NOW))
    made = market(Choice("live"), setting={"close_delay_ms": 250})
    list(made.due(end - 1))
    assert not list(made.due(end + 249))
    assert [window.closed.seq for window in made.due(end + 250)] == [seq_of(NOW)]


def test_lines_are_those_that_an_operator_chose_and_one_for_pushes_where_there_are_none() -> None:
    assert lines_for({}) == (LineSetting("push"),)
    assert lines_for({"lines": [{"name": "a", "source": "push", "rank": 2, "weight": 3, "mode": "prefer"}]}) == (
        LineSetting("a", "push", 2, 3, "prefer"),
    )
    odd = [{"name": "a", "source": "of another release"}, "no line", {"name": ""}, {"name": "b", "mode": "?"}]
    assert lines_for({"lines": odd}) == (LineSetting("b"),)


def test_a_new_simulated_stream_says_where_everything_stands_and_one_that_goes_on_does_not() -> None:
    (new, *_), (old, *_) = (
        market(Choice("simulated"), resume_after=resume_after).due(NOW + 3_000)
        for resume_after in (None, seq_of(NOW) - 2)
    )

    assert len(new.closed.references) > 500
    assert old.closed.references == []
    assert old.closed.seq == seq_of(NOW) - 1


def test_push_goes_on_behind_its_line_s_position_and_a_new_one_with_what_comes() -> None:
    made, new = market(Choice("live"), resume_after=seq_of(NOW) - 2, positions={"push": "1-0"}), market(Choice("live"))

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


@pytest.mark.parametrize(("text", "at_ms"), [("09:29:50", 34_190_000), ("11:25", 41_100_000), ("00:00", 0)])
def test_a_replay_keeps_its_speed_from_a_time_of_the_day_on(text: str, at_ms: int) -> None:
    assert paced_from_ms_of(text) == at_ms


@pytest.mark.parametrize("text", ["", "noon", "25:00", "9", "11:61"])
def test_what_is_no_time_of_the_day_is_told_with_its_value(text: str) -> None:
    with pytest.raises(BadRecording, match=f"'{text}' is no time of the day"):
        paced_from_ms_of(text)


@pytest.mark.parametrize("text", ["", "0", "0.009", "100001", "nan", "inf", "fast", "-1"])
def test_any_other_speed_is_refused(text: str) -> None:
    with pytest.raises(BadRecording, match="neither a number"):
        speed_of(text)
