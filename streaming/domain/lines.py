"""A market's lines: how each stands, and which one leads.

A line is one source of ticks. Whose total counts is a matter of arithmetic (`streaming.domain.totals`); the line that
leads says which trades are the market's where lines tell different things (`streaming.domain.merge`), and its name
stands in every window. Times are epoch ms of our own clock, unless they are said to be a venue's.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

MODES = ("auto", "prefer", "drain")
MUTE_MS = 5_000  # so long without a move while the market is open and another line moves
OTHERS_MOVED = 20  # instruments that another line must have moved meanwhile: one quiet instrument is no fault of a line
MOST_REFUSED = 0.01  # of its rows
JUDGED_FROM = 200  # rows: a share of fewer says nothing
LATE_MS = 3_000  # median
DELAYED_MS = 60_000  # median: such a line tells the market of a quarter of an hour ago
HEALTHY_MS = 60_000  # before a line leads again that had failed
_PIECE_MS, _PIECES = 1_000, 60
_LAGS = 1_000
CLOCK_MS = 2_000  # a line whose clock is off by more is not asked when something happened


@dataclass(frozen=True, slots=True)
class LineSetting:
    """What an operator chose for a line.

    Args:
        source: push, or a provider.
        rank: 1 leads before 2; of one rank, the heavier one.
        weight: how much its word counts where lines contradict each other.
        mode: auto; prefer: it leads for as long as it is healthy; drain: it is listened to, and nothing of it counts.
    """

    name: str
    source: str = "push"
    rank: int = 1
    weight: int = 1
    mode: str = "auto"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a line stands.

    Args:
        state: leading, following; or why it does not lead: waiting (it has told nothing yet), mute, refused, late,
            delayed, drained.
        lag_ms, lag_p99_ms: from a venue's time to its arrival here; None where it told no times lately.
        rows_per_s: of the last minute, with those that were refused.
        symbols: that it has told of today.
        refused: the share of its rows that were refused in the last minute, 0 to 1.
        moved: instruments that it moved in the last 5 s.
    """

    name: str
    state: str
    lag_ms: int | None
    lag_p99_ms: int | None
    rows_per_s: float
    symbols: int
    refused: float
    moved: int


@dataclass(frozen=True, slots=True)
class Switch:
    """Another line leads now; `reason` says why the one before does not, or `back`, `preferred`."""

    at_ms: int
    before: str  # "" at the start
    after: str
    reason: str


@dataclass(slots=True)
class _Piece:
    number: int
    rows: int = 0
    refused: int = 0
    moved: set[str] = field(default_factory=set)


class LineStats:
    """What one line has told lately."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}  # the day's volume as it told it last
        self.tells_trades = False
        self._pieces: deque[_Piece] = deque(maxlen=_PIECES)
        self._lags: deque[int] = deque(maxlen=_LAGS)
        self._any = False

    def note(self, now_ms: int, *, rows: int, refused: int, moved: Iterable[str], lags_ms: Iterable[int]) -> None:
        """Take what was read at once: how many rows, the instruments that it moved, and how late the moves came."""
        number = now_ms // _PIECE_MS
        if not self._pieces or self._pieces[-1].number != number:
            self._pieces.append(_Piece(number))
        piece = self._pieces[-1]
        piece.rows += rows
        piece.refused += refused
        piece.moved.update(moved)
        self._lags.extend(lags_ms)
        self._any = self._any or rows > 0

    def moves(self, symbol: str, cum_volume: int) -> bool:
        """Take a total; tell whether this line moved the instrument by it."""
        before = self.totals.get(symbol)
        self.totals[symbol] = cum_volume
        return before is not None and cum_volume > before

    def standing(self, name: str, now_ms: int) -> Standing:
        """Return how the line stands; its state is `following` or `waiting`, until somebody knows more."""
        since = now_ms // _PIECE_MS - _PIECES
        pieces = [piece for piece in self._pieces if piece.number > since]
        rows, refused = sum(piece.rows for piece in pieces), sum(piece.refused for piece in pieces)
        mute_since = (now_ms - MUTE_MS) // _PIECE_MS
        moved = set[str]().union(*(piece.moved for piece in pieces if piece.number > mute_since))
        lags = sorted(self._lags)
        return Standing(
            name=name,
            state="following" if self._any else "waiting",
            lag_ms=round(median(lags)) if lags else None,
            lag_p99_ms=lags[len(lags) * 99 // 100] if lags else None,
            rows_per_s=rows * 1000 / (_PIECES * _PIECE_MS),
            symbols=len(self.totals),
            refused=refused / rows if rows >= JUDGED_FROM else 0.0,
            moved=len(moved),
        )

    def clock_is_off(self) -> bool:
        """Tell whether its times lie so far ahead of ours that they say nothing."""
        return len(self._lags) >= 20 and median(self._lags) < -CLOCK_MS


class Leadership:
    """Which line leads: the best one that is healthy, and back to it a minute after it is healthy again.

    Args:
        settings: of the market's lines.
        leader: who led before a restart; "" for nobody.
    """

    def __init__(self, settings: Sequence[LineSetting], leader: str = "") -> None:
        self.leader = leader
        self._ill_at: dict[str, int] = {}
        self.arrange(settings)

    def arrange(self, settings: Sequence[LineSetting]) -> None:
        """Take other settings; who leads is looked at again with the next `look`."""
        self.settings = {one.name: one for one in settings}
        self._order = sorted(settings, key=lambda one: (one.mode != "prefer", one.rank, -one.weight, one.name))
        if self.leader not in self.settings:
            usable = [one.name for one in self._order if one.mode != "drain"]
            self.leader = usable[0] if usable else ""

    def look(
        self, now_ms: int, standings: Mapping[str, Standing], *, is_open: bool, is_complete: Callable[[str], bool]
    ) -> tuple[dict[str, Standing], Switch | None]:
        """Return how each line stands, and whether another one leads from now on.

        Args:
            is_open: the market is in `open`: silence means something.
            is_complete: whether a line's totals are not behind; asked of one that would lead again.
        """
        states = {one.name: self._illness(one, standings, is_open=is_open) for one in self._order}
        for name, illness in states.items():
            if illness:
                self._ill_at[name] = now_ms
        switch = self._switch(now_ms, states, is_complete)
        if switch is not None:
            self.leader = switch.after
        told = {}
        for name, illness in states.items():
            state = illness or ("leading" if name == self.leader else "following")
            told[name] = replace(standings[name], state=state)
        return told, switch

    def _switch(self, now_ms: int, states: Mapping[str, str], is_complete: Callable[[str], bool]) -> Switch | None:
        healthy = [one for one in self._order if not states[one.name]]
        if not healthy or healthy[0].name == self.leader:
            return None
        best, illness = healthy[0], states.get(self.leader, "removed") if self.leader else "start"
        if illness:
            return Switch(now_ms, self.leader, best.name, illness)
        if best.mode == "prefer":
            return Switch(now_ms, self.leader, best.name, "preferred")
        long_enough = now_ms - self._ill_at.get(best.name, now_ms - HEALTHY_MS) >= HEALTHY_MS
        if long_enough and is_complete(best.name):
            return Switch(now_ms, self.leader, best.name, "back")
        return None

    def _illness(self, line: LineSetting, standings: Mapping[str, Standing], *, is_open: bool) -> str:
        """Return why a line cannot lead; "" where it can."""
        own = standings[line.name]
        others = [standings[name] for name in standings if name != line.name and self.settings[name].mode != "drain"]
        if line.mode == "drain":
            return "drained"
        if own.state == "waiting":
            return "waiting"
        if is_open and not own.moved and any(other.moved >= OTHERS_MOVED for other in others):
            return "mute"
        if own.refused > MOST_REFUSED:
            return "refused"
        if own.lag_ms is not None and own.lag_ms > DELAYED_MS:
            return "delayed"
        quicker = any(other.lag_ms is not None and other.lag_ms <= LATE_MS and other.moved for other in others)
        return "late" if own.lag_ms is not None and own.lag_ms > LATE_MS and quicker else ""
