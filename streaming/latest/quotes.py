"""Every market's instruments by what a request asks, so that REST is answered from memory. Nothing here waits."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from streaming.domain.instruments import Instrument
from streaming.domain.ticks import Levels, SenderNote, Snapshot, Trade
from streaming.domain.windows import end_ms
from streaming.latest.market import LatestMarket
from streaming.records.window import Book, Newest, Print


class LatestQuotes:
    """The markets of one process, by name."""

    def __init__(self, markets: Mapping[str, LatestMarket]) -> None:
        self._markets = markets

    def carries(self, instrument: Instrument) -> bool:
        """Tell whether the running feed has registered an instrument."""
        return instrument.symbol in self._markets[instrument.lane].quotes

    def symbols(self, markets: Iterable[str] | None = None) -> list[str]:
        """Return the symbols that are carried, market by market, in the order in which they became known."""
        chosen = self._markets if markets is None else markets
        return [symbol for name in chosen for symbol in self._markets[name].quotes]

    def newest(self, instrument: Instrument) -> Newest | None:
        """Return an instrument's newest bar and day."""
        return self._markets[instrument.lane].newest(instrument.symbol)

    def heard(self, instrument: Instrument) -> bool:
        """Tell whether a trade or a picture of an instrument was told, which may be ahead of its bars."""
        return instrument.symbol in self._markets[instrument.lane].ahead

    def trades(self, instrument: Instrument, count: int = 1) -> list[Trade]:
        """Return the last trades, newest first.

        Where the feed tells no single trades there is one: the newest bar as a whole.
        """
        if prints := self._markets[instrument.lane].trades.get(instrument.symbol):
            return [
                Trade(instrument.id, one.at_ms, one.price_e4, one.volume, one.turnover_e4, one.side)
                for one in islice(reversed(prints), count)
            ]
        newest = self.newest(instrument)
        if newest is None or not newest.seq:
            return []
        return [Trade(instrument.id, end_ms(newest.seq), newest.close_e4, newest.volume, newest.turnover_e4)]

    def numbers(self, instrument: Instrument, count: int) -> Sequence[int]:
        """Return the numbers of the trades that `trades` returns."""
        if prints := self._markets[instrument.lane].trades.get(instrument.symbol):
            return [one.number for one in islice(reversed(prints), count)]
        newest = self.newest(instrument)
        return [newest.seq] if newest is not None and newest.seq else []

    def snapshot(self, instrument: Instrument) -> Snapshot | None:
        """Return the day so far and the best orders; `phase` is trading, suspended, halted or delisted."""
        market, symbol = self._markets[instrument.lane], instrument.symbol
        newest = self.newest(instrument)
        if newest is None:
            return None
        book, prints = market.books.get(symbol), market.trades.get(symbol)
        made_of = (newest, book, prints[-1] if prints else None)
        made = market.snapshots.get(symbol)
        # Between two windows everybody is shown the same one.
        if made is None or made[0] != made_of:
            made_now = _snapshot(instrument, *made_of, market.seq, market.last_e4(symbol))
            made = market.snapshots[symbol] = (made_of, made_now)
        return made[1]

    def depth(self, instrument: Instrument) -> tuple[Levels, int] | None:
        """Return the best orders and their number; empty sides where the feed tells none."""
        market, symbol = self._markets[instrument.lane], instrument.symbol
        if (book := market.books.get(symbol)) is not None:
            return Levels(instrument.id, book.at_ms, tuple(book.bids), tuple(book.asks)), book.number
        newest = self.newest(instrument)
        return None if newest is None else (Levels(instrument.id, end_ms(newest.seq or market.seq), (), ()), newest.seq)


def _snapshot(
    instrument: Instrument, newest: Newest, book: Book | None, last: Print | None, seq: int, last_e4: int
) -> Snapshot:
    at_ms = max(book.at_ms if book else 0, last.at_ms if last else 0) or end_ms(newest.seq or seq)
    traded = newest.day_volume > 0 or newest.day_open_e4 > 0
    return Snapshot(
        instrument=instrument.id,
        at_ms=at_ms,
        prev_close_e4=newest.prev_close_e4,
        open_e4=newest.day_open_e4,
        high_e4=newest.day_high_e4,
        low_e4=newest.day_low_e4,
        last_e4=last_e4 if traded or newest.prev_close_e4 == 0 else newest.prev_close_e4,
        cum_volume=newest.day_volume,
        cum_turnover_e4=newest.day_turnover_e4,
        phase=newest.state,
        bids=tuple(book.bids) if book else (),
        asks=tuple(book.asks) if book else (),
        iopv_e4=book.iopv_e4 if book else 0,
        note=SenderNote(book.name, book.trade_time, book.trades) if book else None,
    )
