"""Which feed a lane runs: what an operator chose (Redis), else what this process was started with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen
from streaming.errors import BadRecording
from streaming.ingest.clocks import RecordingClock, WallClock, with_evidence
from streaming.ingest.market import Market
from streaming.ingest.sources.made_up import MadeUpSource
from streaming.ingest.sources.push import PushSource
from streaming.ingest.sources.recorded import open_recording
from streaming.ingest.sources.replay import AS_FAST_AS_POSSIBLE, ReplaySource
from streaming.ingest.sources.simulated import simulated_source
from streaming.ingest.sources.test import always_moving
from streaming.records.newest import Newest
from streaming.reference import directory
from streaming.store.lanes import LaneStore


@dataclass(frozen=True, slots=True)
class Choice:
    """A feed and its parameters. Another choice is another epoch; a higher `run` plays a recording again."""

    feed: str  # simulated replay push test none
    data: str = ""
    speed: str = "1"
    seed: int = 0
    run: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the form that the checkpoint keeps."""
        return asdict(self)


def choice_for(lane: str, setting: Mapping[str, Any]) -> Choice:
    """Return what a lane runs. TEST always runs its own feed, whatever the others do."""
    if lane == "TEST":
        return Choice("test")
    feed = str(setting.get("feed") or settings.FEED)
    if feed == "simulated":
        return Choice("simulated", seed=_number(setting, "seed", settings.SIMULATED_SEED))
    if feed == "replay":
        return Choice(
            "replay",
            data=str(setting.get("data") or settings.REPLAY_DATA),
            speed=str(setting.get("speed") or settings.REPLAY_SPEED),
            run=_number(setting, "run", settings.REPLAY_RUN),
        )
    return Choice("push" if feed == "push" else "none")


def _number(setting: Mapping[str, Any], name: str, default: int) -> int:
    value = setting.get(name)
    return value if type(value) is int else default


def market_for(
    choice: Choice,
    store: LaneStore,
    *,
    newest: Mapping[str, Newest],
    resume_after: int | None,
    now_ms: int,
    positions: Mapping[str, str],
) -> Market | None:
    """Return the market of a choice, with its one line; None where the choice has nothing for this lane.

    Args:
        newest, resume_after, positions: of a stream that goes on; empty and None for a new one.

    Raises:
        BadRecording: the replay's folder or speed cannot be used.
    """
    market = partial(
        Market, name=choice.feed, newest=newest, resume_after=resume_after, now_ms=now_ms, kind_of=_kind_of
    )
    if choice.feed == "replay":
        recording = open_recording(Path(choice.data), store.lane)
        if recording is None:
            return None
        source = ReplaySource(recording, speed_of(choice.speed))
        calendar = with_evidence(store.calendar(), recording.days)
        played = RecordingClock(
            sources=[source],
            calendar=calendar,
            resume_after=resume_after,
            wanted=store.wanted,
            wait_ms=round(settings.REPLAY_WAIT_SECONDS * 1000),
        )
        return market(lines={source.name: source}, clock=played, sessions=lambda: calendar)
    if choice.feed == "push":
        # A pushed tick counts when it is read, so none is on its way when a window ends.
        clock = WallClock(now_ms=now_ms, resume_after=resume_after, close_delay_ms=0)
        pushed = PushSource(store, positions.get(PushSource.name, ""))
        return market(lines={pushed.name: pushed}, clock=clock, sessions=store.calendar)
    if choice.feed in ALWAYS_OPEN_FEEDS:
        delay_ms = round(settings.CLOSE_DELAY_SECONDS * 1000)
        clock = WallClock(now_ms=now_ms, resume_after=resume_after, close_delay_ms=delay_ms)
        made_up = _made_up(choice, store.lane, newest, begins_anew=resume_after is None, first_seq=clock.next_seq)
        return market(lines={made_up.name: made_up}, clock=clock, sessions=AlwaysOpen)
    return None


def _kind_of(symbol: str) -> str:
    found = directory().get(symbol)
    return found.kind if found is not None else "stock"


def _made_up(
    choice: Choice, lane: str, newest: Mapping[str, Newest], *, begins_anew: bool, first_seq: int
) -> MadeUpSource:
    if choice.feed == "test":
        return always_moving(first_seq=first_seq)
    return simulated_source(
        lane=lane,
        directory=directory(),
        seed=choice.seed,
        last_prices={symbol: known.close_e4 for symbol, known in newest.items() if known.close_e4 > 0},
        begins_anew=begins_anew,
        first_seq=first_seq,
    )


def speed_of(text: str) -> float:
    """Read `max` or a number of times.

    Raises:
        BadRecording: it is neither.
    """
    if text == "max":
        return AS_FAST_AS_POSSIBLE
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 100_000:
        raise BadRecording(f"speed {text!r} is neither a number from 0.01 to 100000 nor max")
    return speed
