"""Which feed a lane runs: what an operator chose (Redis), else what this process was started with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from streaming.errors import BadRecording
from streaming.ingest.sources import Feed
from streaming.ingest.sources.push import PushFeed
from streaming.ingest.sources.recorded import open_recording
from streaming.ingest.sources.replay import AS_FAST_AS_POSSIBLE, ReplayFeed
from streaming.ingest.sources.simulated import simulated_market
from streaming.ingest.sources.test import always_moving
from streaming.records.window import Newest
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


def feed_for(
    choice: Choice,
    store: LaneStore,
    *,
    newest: Mapping[str, Newest],
    resume_after: int | None,
    now_ms: int,
    position: str = "",
) -> Feed | None:
    """Return the feed of a choice; None where it has nothing for this lane.

    Args:
        newest, resume_after, position: of a stream that goes on; empty and None for a new one.

    Raises:
        BadRecording: the replay's folder or speed cannot be used.
    """
    last_prices = {symbol: bar.close_e4 for symbol, bar in newest.items() if bar.close_e4 > 0}
    close_delay_ms = round(settings.CLOSE_DELAY_SECONDS * 1000)
    if choice.feed == "test":
        return always_moving(
            directory=directory(),
            last_prices=last_prices,
            resume_after=resume_after,
            now_ms=now_ms,
            close_delay_ms=close_delay_ms,
        )
    if choice.feed == "simulated":
        return simulated_market(
            lane=store.lane,
            directory=directory(),
            seed=choice.seed,
            last_prices=last_prices,
            resume_after=resume_after,
            now_ms=now_ms,
            close_delay_ms=close_delay_ms,
        )
    if choice.feed == "push":
        return PushFeed(store=store, newest=newest, resume_after=resume_after, position=position, now_ms=now_ms)
    if choice.feed == "replay":
        recording = open_recording(Path(choice.data), store.lane)
        if recording is None:
            return None
        return ReplayFeed(
            recording=recording,
            calendar=store.calendar(),
            speed=speed_of(choice.speed),
            resume_after=resume_after,
            wanted=store.wanted,
            wait_ms=round(settings.REPLAY_WAIT_SECONDS * 1000),
        )
    return None


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
