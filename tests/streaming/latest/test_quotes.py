"""What REST shows: its arithmetic is ingest's, whichever of stream and store tells it first."""

from streaming.domain.calendar import AlwaysOpen
from streaming.domain.ticks import Trade
from streaming.latest.market import TRADES_KEPT, LatestMarket
from streaming.latest.quotes import LatestQuotes
from streaming.records.newest import with_reference
from streaming.records.window import Book, MovedBar, Print, Window, seq_of
from streaming.reference import directory

MOUTAI = directory().resolve("600519.SH")
SEQ = seq_of(1_675_215_000_000)  # 2023-02-01 09:30 in Shanghai
DAY = 57_600  # windows


def window(seq: int, *bars: MovedBar, **more) -> Window:
    return Window(seq, "open", None, "test", 1, list(bars), **more)


def moved(price: int, volume: int = 100) -> MovedBar:
    return MovedBar("600519.SH", price, price + 2, price - 2, price, volume, price * volume)


class Shown(LatestQuotes):
    """The quotes of three markets, of which CN is told windows."""

    def __init__(self, *, previous_close: bool = True) -> None:
        self.markets = {name: LatestMarket(name) for name in ("CN", "HK", "TEST")}
        super().__init__(self.markets)
        self.cn = self.markets["CN"]
        if previous_close:
            self.take(window(SEQ - 1, previous=[("600519.SH", 1_000)], references=[("600519.SH", 1_000)]))

    def take(self, *windows: Window) -> None:
        for one in windows:
            self.cn.apply(one)

    def begin(self, newest) -> None:
        self.cn.begin("e1", newest, AlwaysOpen(), from_start=False)


def test_a_day_adds_up_over_its_windows():
    shown = Shown()

    shown.take(window(SEQ, moved(1_010)), window(SEQ + 1, moved(990, 50)))

    snapshot = shown.snapshot(MOUTAI)
    assert (snapshot.prev_close_e4, snapshot.open_e4, snapshot.high_e4, snapshot.low_e4) == (1_000, 1_010, 1_012, 988)
    assert (snapshot.last_e4, snapshot.cum_volume, snapshot.cum_turnover_e4) == (990, 150, 150_500)


def test_before_the_first_trade_the_last_price_is_the_previous_close_and_the_rest_is_unknown():
    snapshot = Shown().snapshot(MOUTAI)

    assert (snapshot.last_e4, snapshot.prev_close_e4, snapshot.open_e4, snapshot.cum_volume) == (1_000, 1_000, 0, 0)
    assert Shown().trades(MOUTAI) == []


def test_a_new_day_begins_at_zero_with_the_feeds_own_previous_close():
    shown = Shown()
    shown.take(window(SEQ, moved(1_010)))

    # Ex rights: the previous close of the new day is not the last price of the old one.
    shown.take(window(SEQ + DAY, moved(505), previous=[("600519.SH", 500)]))

    snapshot = shown.snapshot(MOUTAI)
    assert (snapshot.prev_close_e4, snapshot.open_e4, snapshot.cum_volume) == (500, 505, 100)


def test_windows_that_the_store_had_counted_already_are_not_counted_twice():
    ahead, behind = Shown(), Shown()
    windows = [window(SEQ + nth, moved(1_000 + nth)) for nth in range(5)]
    ahead.take(*windows)

    behind.begin({"600519.SH": ahead.newest(MOUTAI)})
    behind.take(*windows[3:], window(SEQ + 5, moved(1_005)))
    ahead.take(window(SEQ + 5, moved(1_005)))

    assert behind.newest(MOUTAI) == ahead.newest(MOUTAI)


def test_a_keyframes_price_is_not_taken_for_a_previous_close():
    shown = Shown(previous_close=False)

    shown.take(window(SEQ, references=[("600519.SH", 1_010)], keyframe=True))
    known = shown.newest(MOUTAI)

    assert (known.close_e4, known.prev_close_e4) == (1_010, 0)
    shown.begin({"600519.SH": with_reference(None, 1_000, "2023-02-01")})
    shown.take(window(SEQ, references=[("600519.SH", 1_010)], keyframe=True))
    assert shown.newest(MOUTAI).prev_close_e4 == 1_000


def test_trades_come_newest_first_and_only_the_last_thousand_are_kept():
    shown = Shown()
    prints = [Print("600519.SH", nth, 1_000 + nth, 10, 1, 10, "B") for nth in range(1, TRADES_KEPT + 11)]
    shown.cn.apply_events(prints, [])

    found = shown.trades(MOUTAI, 2)
    assert found == [Trade(MOUTAI.id, 2_010, 10, 1, 10, "B"), Trade(MOUTAI.id, 2_009, 10, 1, 10, "B")]
    assert list(shown.numbers(MOUTAI, 2)) == [1_010, 1_009]
    assert len(shown.trades(MOUTAI, 5_000)) == TRADES_KEPT


def test_a_feed_without_single_trades_shows_its_newest_bar_as_one():
    shown = Shown()
    shown.take(window(SEQ, moved(1_010)))

    (trade,) = shown.trades(MOUTAI, 10)
    assert (trade.price_e4, trade.volume, list(shown.numbers(MOUTAI, 10))) == (1_010, 100, [SEQ])


def test_a_halt_and_the_best_orders_are_told():
    shown = Shown()
    shown.take(window(SEQ, states=[("600519.SH", "halted")]))
    shown.cn.apply_events([], [Book("600519.SH", 3, 5_000, 0, 0, 0, 0, 0, 0, 0, [(999, 100)], [])])

    snapshot = shown.snapshot(MOUTAI)
    assert (snapshot.phase, snapshot.bids, snapshot.asks) == ("halted", ((999, 100),), ())
    assert shown.depth(MOUTAI)[1] == 3
