"""Window bars -> minute bars, by the rule that we and every client share (docs/protocol.md, "Folding to minutes")."""

from dataclasses import dataclass, field, replace
from typing import Protocol


class Prices(Protocol):
    """What every bar has, whatever it covers."""

    @property
    def open_e4(self) -> int: ...
    @property
    def high_e4(self) -> int: ...
    @property
    def low_e4(self) -> int: ...
    @property
    def close_e4(self) -> int: ...
    @property
    def volume(self) -> int: ...
    @property
    def turnover_e4(self) -> int: ...


class BarLike(Prices, Protocol):
    """A bar of the domain or of the wire."""

    @property
    def symbol(self) -> str: ...


def grown(before: Prices | None, bar: Prices) -> tuple[int, int, int, int, int, int]:
    """Return open, high, low, close, volume and turnover of a longer bar with one more bar in it."""
    if before is None:
        return bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4
    return (
        before.open_e4,
        max(before.high_e4, bar.high_e4),
        min(before.low_e4, bar.low_e4),
        bar.close_e4,
        before.volume + bar.volume,
        before.turnover_e4 + bar.turnover_e4,
    )


@dataclass(frozen=True, slots=True)
class MinuteBar:
    """One instrument's bar over [opened_ms, opened_ms + 60 s), auctions and closing prints folded in."""

    symbol: str
    opened_ms: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    turnover_e4: int


@dataclass
class MinuteFold:
    """Folds bars that come in the order of their windows; several minutes may be open at once."""

    _open: dict[int, dict[str, MinuteBar]] = field(default_factory=dict)
    _spans: dict[int, dict[str, tuple[int, int]]] = field(default_factory=dict)  # first and last window of each

    def add(self, opened_ms: int | None, bar: BarLike, seq: int = 0) -> None:
        """Take a bar of the minute that the calendar named; a bar without volume or without a minute counts nowhere.

        Args:
            seq: the bar's window; needed where late prices come.
        """
        if opened_ms is None or bar.volume <= 0:
            return
        minute = self._open.setdefault(opened_ms, {})
        before = minute.get(bar.symbol)
        minute[bar.symbol] = MinuteBar(bar.symbol, opened_ms, *grown(before, bar))
        spans = self._spans.setdefault(opened_ms, {})
        spans[bar.symbol] = (spans[bar.symbol][0] if before is not None else seq, seq)

    def widen(self, opened_ms: int, late: tuple[str, int, int, int, int]) -> None:
        """Give an open minute a price that came after its window had closed.

        Args:
            late: (symbol, window, high_e4, low_e4, last_e4). It is the minute's open or close where its window lies
                before the first or behind the last one that the instrument moved in.
        """
        symbol, seq, high_e4, low_e4, last_e4 = late
        bar = self._open.get(opened_ms, {}).get(symbol)
        if bar is None:
            return  # its volume counts in a later minute
        first, last = self._spans[opened_ms][symbol]
        self._spans[opened_ms][symbol] = (min(first, seq), max(last, seq))
        self._open[opened_ms][symbol] = replace(
            bar,
            open_e4=last_e4 if seq < first else bar.open_e4,
            high_e4=max(bar.high_e4, high_e4),
            low_e4=min(bar.low_e4, low_e4),
            close_e4=last_e4 if seq > last else bar.close_e4,
        )

    def correct(self, opened_ms: int, symbol: str, volume: int, turnover_e4: int) -> None:
        """Add to an open minute's sums; where nothing is left of them, the minute has no volume any more."""
        minute = self._open.get(opened_ms, {})
        if (bar := minute.get(symbol)) is not None:
            left = max(0, bar.volume + volume)
            minute[symbol] = replace(bar, volume=left, turnover_e4=max(0, bar.turnover_e4 + turnover_e4))

    def close_before(self, opened_ms: int) -> list[MinuteBar]:
        """Return and forget the minutes that opened before this one, oldest first."""
        return [bar for minute in sorted(self._open) if minute < opened_ms for bar in self._pop(minute)]

    def close_all(self) -> list[MinuteBar]:
        """Return and forget every minute: the feed has ended."""
        return [bar for minute in sorted(self._open) for bar in self._pop(minute)]

    def _pop(self, minute: int) -> list[MinuteBar]:
        self._spans.pop(minute, None)
        return list(self._open.pop(minute).values())
