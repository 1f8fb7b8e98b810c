"""One instrument's bars under all codes that it has had: an exchange may give a share another one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from streaming.domain.minutes import MinuteBar, grown
from streaming.history.rollup import Span, read_bars

Codes = Mapping[str, Sequence[str]]  # symbol -> the codes that it had before, the oldest first


def all_codes(former: Codes) -> list[str]:
    """Return the symbols, and the codes that they had before."""
    return [*former, *(code for codes in former.values() for code in codes)]


def read_spliced(former: Codes, interval: str, span: Span, *, sessions: bool) -> dict[str, list[MinuteBar]]:
    """Return bars as `read_bars` does, by the symbols of today, under which all of them stand.

    A minute is of one code; a longer interval in which the code changed has what was traded under both.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    bars = read_bars(all_codes(former), interval, span, sessions=sessions)
    found = {}
    for symbol, codes in former.items():
        rows = [bars.get(code, []) for code in (*codes, symbol)]
        told = rows[-1] if not any(rows[:-1]) else _joined(symbol, rows, interval)
        found[symbol] = list(told[-span.limit :] if span.newest else told[: span.limit])
    return found


def _joined(symbol: str, of_codes: Sequence[Sequence[MinuteBar]], interval: str) -> list[MinuteBar]:
    found: dict[int, MinuteBar] = {}
    for bars in of_codes:
        for bar in bars:
            before = found.get(bar.opened_ms) if interval != "1m" else None
            found[bar.opened_ms] = (
                replace(bar, symbol=symbol) if before is None else MinuteBar(symbol, bar.opened_ms, *grown(before, bar))
            )
    return [found[opened_ms] for opened_ms in sorted(found)]
