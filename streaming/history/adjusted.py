"""The table of corporate actions, and bars with their prices adjusted by it; what is stored stays as it was traded."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from streaming.domain.adjustment import CorporateAction, Factor, adjusted, factors_of
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.intervals import first_day_of
from streaming.domain.minutes import MinuteBar, grown
from streaming.history.connection import insert, query
from streaming.history.days import closes_before, references_on
from streaming.history.rollup import Span
from streaming.history.spliced import Codes, all_codes, read_spliced
from streaming.history.versions import version_of

TABLE = "corporate_actions"
COLUMNS = (
    "symbol", "ex_date", "ratio_num", "ratio_den", "split_num", "split_den", "cash_e8", "reference_e4", "source",
    "version", "withdrawn",
)  # fmt: skip
_EPOCH = date(1970, 1, 1)
_DAYS_IN = {"1w": 5, "1M": 23}  # trading days, at most


def insert_actions(actions: Iterable[CorporateAction], *, source: str, version: int, withdrawn: bool = False) -> None:
    """Write corporate actions; one of the same share and day replaces the one before.

    Args:
        source, version: as of minutes.
        withdrawn: they did not happen.

    Raises:
        HistoryUnavailable: write them all again later.
    """
    ranked = version_of(source, version)
    rows = [
        (
            one.symbol, one.ex_date, one.ratio.numerator, one.ratio.denominator, one.split.numerator,
            one.split.denominator, one.cash_e8, one.reference_e4, source, ranked, int(withdrawn),
        )
        for one in actions
    ]  # fmt: skip
    insert(TABLE, rows, COLUMNS)


def read_actions(symbols: Collection[str]) -> dict[str, list[CorporateAction]]:
    """Return what is known of some instruments, by symbol, oldest first.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    sql = f"""
        SELECT symbol, toInt64(toInt32(ex_date)), ratio_num, ratio_den, split_num, split_den, cash_e8, reference_e4
        FROM {TABLE} FINAL
        WHERE symbol IN {{symbols:Array(String)}} AND NOT withdrawn ORDER BY symbol, ex_date
    """  # noqa: S608 - the variable part is this package's own name
    found: dict[str, list[CorporateAction]] = {}
    for symbol, day, num, den, split_num, split_den, cash_e8, reference_e4 in query(sql, {"symbols": sorted(symbols)}):
        action = CorporateAction(
            symbol=symbol,
            ex_date=_EPOCH + timedelta(days=int(day)),
            ratio=Fraction(num, den),
            split=Fraction(split_num, split_den),
            cash_e8=cash_e8,
            reference_e4=reference_e4,
        )
        found.setdefault(symbol, []).append(action)
    return found


def read_adjusted(
    former: Codes,
    interval: str,
    span: Span,
    *,
    how: str,
    today: date,
    ticks_e4: Mapping[str, int],
    seen_from_today: bool = False,
) -> dict[str, list[MinuteBar]]:
    """Return bars as `read_spliced` does, of a real market, as if no share had changed (streaming.domain.adjustment).

    Args:
        how: forward or backward.
        today: the exchange's; what is announced for later, or comes behind the span's end, has not happened.
        seen_from_today: what comes behind the span's end counts as well: several spans then fit together.
        ticks_e4: of each instrument, for references that nobody told.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    ends = exchange_day(min(span.end_ms, day_start_ms(today) + 86_400_000) - 1)
    until = today if seen_from_today else min(today, ends)
    factors = _factors(former, until, ticks_e4)
    if interval not in _DAYS_IN:
        bars = read_spliced(former, interval, span, sessions=True)
        return {symbol: _adjusted(rows, factors.get(symbol, ()), how) for symbol, rows in bars.items()}
    # A share may change within a week: its days are adjusted first.
    days = replace(span, limit=(span.limit + len(span.without) + 1) * _DAYS_IN[interval], without=frozenset())
    if span.end_ms < 2**52:
        days = replace(days, end_ms=span.end_ms + 31 * 86_400_000)  # a month that opened in time goes on behind it
    found: dict[str, list[MinuteBar]] = {}
    for symbol, rows in read_spliced(former, "1d", days, sessions=True).items():
        longer = _longer(_adjusted(rows, factors.get(symbol, ()), how), interval)
        whole = [bar for bar in longer if span.start_ms <= bar.opened_ms < span.end_ms]
        whole = [bar for bar in whole if bar.opened_ms not in span.without]
        found[symbol] = whole[-span.limit :] if span.newest else whole[: span.limit]
    return found


def _factors(former: Codes, until: date, ticks_e4: Mapping[str, int]) -> dict[str, list[Factor]]:
    known, found = read_actions(all_codes(former)), {}
    for symbol, before in former.items():
        codes = [*before, symbol]
        actions = [one for code in codes for one in known.get(code, ()) if one.ex_date <= until]
        days = [one.ex_date for one in actions]
        if not days:
            continue
        # Hong Kong's feeds name yesterday's close as reference, also where cash has left the share.
        told = references_on(codes, days) if not symbol.endswith(".HK") else {}
        named = [replace(one, reference_e4=one.reference_e4 or told.get(one.ex_date, 0)) for one in actions]
        found[symbol] = factors_of(named, closes_before(codes, days), ticks_e4.get(symbol, 100))
    return found


def _adjusted(bars: Sequence[MinuteBar], factors: Sequence[Factor], how: str) -> list[MinuteBar]:
    return adjusted(bars, [exchange_day(bar.opened_ms) for bar in bars], factors, how)


def _longer(days: Sequence[MinuteBar], interval: str) -> list[MinuteBar]:
    found: dict[int, MinuteBar] = {}
    for bar in days:
        opened_ms = day_start_ms(first_day_of(exchange_day(bar.opened_ms), interval))
        found[opened_ms] = MinuteBar(bar.symbol, opened_ms, *grown(found.get(opened_ms), bar))
    return list(found.values())
