"""Which feed a lane runs: what an operator chose (Redis), else what this process was started with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import time
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings

from kernel.keyspace import PUSH_LINE
from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen
from streaming.domain.lines import MODES, LineSetting
from streaming.errors import BadRecording
from streaming.ingest.clocks import RecordingClock, WallClock, with_evidence
from streaming.ingest.market import Market
from streaming.ingest.sources import Source
from streaming.ingest.sources.live.providers import PROVIDERS, provider_source
from streaming.ingest.sources.made_up import MadeUpSource
from streaming.ingest.sources.push import PushSource
from streaming.ingest.sources.recorded import open_recording
from streaming.ingest.sources.replay import AS_FAST_AS_POSSIBLE, ReplaySource
from streaming.ingest.sources.simulated import simulated_source
from streaming.ingest.sources.test import always_moving
from streaming.records.newest import Newest
from streaming.reference import directory
from streaming.store.lanes import LaneStore

# What a line may be fed by: (store, the line's name, where it goes on, what was told of it) -> its source.
SOURCES: Mapping[str, Callable[[LaneStore, str, str, str], Source]] = {
    "push": PushSource,
    **{name: partial(provider_source, name) for name in PROVIDERS},
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A feed and its parameters. Another choice is another epoch; a higher `run` plays a recording again."""

    feed: str  # simulated replay live test none
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
    return Choice("live" if feed in ("live", "push") else "none")  # `push` is what it was called before


def lines_for(setting: Mapping[str, Any]) -> tuple[LineSetting, ...]:
    """Return the lines of the feed `live`: those that an operator chose, else one that takes pushes."""
    found = [_line(one) for one in setting.get("lines") or () if isinstance(one, dict)]
    return tuple(line for line in found if line is not None) or (LineSetting(PUSH_LINE),)


def _line(told: Mapping[str, Any]) -> LineSetting | None:
    name, source = told.get("name"), told.get("source", "push")
    if not isinstance(name, str) or not name or source not in SOURCES:
        return None  # of another release
    mode = told.get("mode")
    return LineSetting(
        name, source, _number(told, "rank", 1), _number(told, "weight", 1), mode if mode in MODES else "auto"
    )


def close_delay_ms_for(choice: Choice, setting: Mapping[str, Any]) -> int:
    """Return how long windows stay open behind their end.

    A push or a page's row counts when it is read, so none is on its way; trades count when the venue says.
    """
    chosen = _number(setting, "close_delay_ms", -1)
    if chosen >= 0:
        return chosen
    if choice.feed == "live" and not any(_tells_trades(line.source) for line in lines_for(setting)):
        return 0
    return round(settings.CLOSE_DELAY_SECONDS * 1000)


def _tells_trades(source: str) -> bool:
    return source in PROVIDERS and PROVIDERS[source].tells_trades


def sources_for(
    lines: Iterable[LineSetting],
    store: LaneStore,
    positions: Mapping[str, str],
    marks: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Source]:
    """Return the sources of some lines by the lines' names.

    Args:
        positions: where each goes on; those that are absent begin now.
        marks: what a run before has told of each.
    """
    return {
        line.name: SOURCES[line.source](store, line.name, positions.get(line.name, ""), marks.get(line.name, ""))
        for line in lines
    }


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
    lines: Sequence[LineSetting] = (),
    close_delay_ms: int = 0,
    leader: str = "",
    since_ms: int = 0,
    marks: Mapping[str, str] = MappingProxyType({}),
) -> Market | None:
    """Return the market of a choice, with its lines; None where the choice has nothing for this lane.

    Args:
        newest, resume_after, positions, leader, since_ms, marks: of a stream that goes on; empty and None for a new
            one.
        lines: of the feed `live`.
        close_delay_ms: of a market on the wall clock.

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
        source = ReplaySource(recording, speed_of(choice.speed), marks.get(ReplaySource.name, ""))
        calendar = with_evidence(store.calendar(), recording.days)
        played = RecordingClock(
            sources=[source],
            calendar=calendar,
            resume_after=resume_after,
            wanted=store.wanted,
            wait_ms=round(settings.REPLAY_WAIT_SECONDS * 1000),
            paced_from_ms=paced_from_ms_of(settings.REPLAY_FROM),
        )
        return market(lines={source.name: source}, clock=played, sessions=lambda: calendar)
    clock = WallClock(now_ms=now_ms, resume_after=resume_after, close_delay_ms=close_delay_ms)
    if choice.feed == "live":
        sources = sources_for(lines, store, positions, marks)
        return market(
            lines=sources, settings=lines, leader=leader, since_ms=since_ms, clock=clock, sessions=store.calendar
        )
    if choice.feed in ALWAYS_OPEN_FEEDS:
        made_up = _made_up(
            choice,
            store.lane,
            newest,
            begins_anew=resume_after is None,
            first_seq=clock.next_seq,
            told=marks.get(choice.feed, ""),
        )
        return market(lines={made_up.name: made_up}, clock=clock, sessions=AlwaysOpen)
    return None


def _kind_of(symbol: str) -> str:
    found = directory().get(symbol)
    return found.kind if found is not None else "stock"


def _made_up(
    choice: Choice, lane: str, newest: Mapping[str, Newest], *, begins_anew: bool, first_seq: int, told: str
) -> MadeUpSource:
    if choice.feed == "test":
        return always_moving(first_seq=first_seq, told=told)
    return simulated_source(
        lane=lane,
        directory=directory(),
        seed=choice.seed,
        last_prices={symbol: known.close_e4 for symbol, known in newest.items() if known.close_e4 > 0},
        begins_anew=begins_anew,
        first_seq=first_seq,
        told=told,
    )


def paced_from_ms_of(text: str) -> int:
    """Read a time of the day, from which on a replay keeps its speed: `11:25` or `09:29:50`, in ms since midnight.

    Raises:
        BadRecording: it is none.
    """
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise BadRecording(f"{text!r} is no time of the day like 11:25 or 09:29:50") from None
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1000


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
