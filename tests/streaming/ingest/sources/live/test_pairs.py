"""Two providers as two lines of one market: each trade once, and whichever of them dies, nothing is lost."""

from streaming.domain.lines import LineSetting
from tests.streaming.ingest.sources.live.emulators import pages as page_servers
from tests.streaming.ingest.sources.live.emulators import sockets
from tests.streaming.ingest.sources.live.emulators.rows import Moment, sina_row, tencent_row
from tests.streaming.ingest.sources.live.playing import Day, Playing
from tests.streaming.ingest.sources.live.test_itick import quote, tick

SYMBOLS = ("600519.SH",)
LINES = [LineSetting("sina", "sina", rank=1), LineSetting("tencent", "tencent", rank=2)]


class Both:
    """The same day on both pages."""

    def __init__(self, day: Day) -> None:
        self.day, self.sina, self.tencent = day, page_servers.SinaPages(), page_servers.TencentPages()

    def trade_up_to(self, volume: int, *, only: str = "") -> None:
        one = Moment(volume, clock=self.day.clock())
        if only in ("", "sina"):
            self.sina.rows["sh600519"] = sina_row(one)
        if only in ("", "tencent"):
            self.tencent.rows["sh600519"] = tencent_row(one)


def test_one_trade_on_two_pages_counts_once_and_one_that_dies_takes_nothing_with_it():
    day = Day()
    both = Both(day)
    both.trade_up_to(100_000)
    with page_servers.serving(both.sina) as sina, page_servers.serving(both.tencent) as tencent:
        lines = {
            "sina": day.source("sina", sina, symbols=SYMBOLS),
            "tencent": day.source("tencent", tencent, symbols=SYMBOLS),
        }
        with Playing(day, lines, settings=LINES) as playing:
            playing.until(lambda: playing.references())
            for step in range(1, 8):
                both.trade_up_to(100_000 + step * 300)
                playing.play(0.25)
            playing.until(lambda: playing.volumes() == {"600519.SH": 2_100})

            both.sina.cut = True  # the first line is gone
            both.trade_up_to(103_000, only="tencent")
            playing.until(lambda: playing.volumes() == {"600519.SH": 3_000})
            both.trade_up_to(103_500)
            both.sina.cut = False
            both.tencent.status = 429  # and now the second one
            playing.until(lambda: playing.volumes() == {"600519.SH": 3_500})
            both.trade_up_to(104_100)
            playing.until(lambda: playing.volumes() == {"600519.SH": 4_100})
            problems = {name: one.problem for name, one in playing.market.lines.conditions().items()}

    assert "asked too often" in problems["tencent"]
    assert playing.turnovers() == {"600519.SH": 41_000 * 10_000}
    assert playing.market.counters()["volume_fell"] == 0


def test_a_line_whose_key_is_missing_stops_no_other():
    day = Day()
    both = Both(day)
    both.trade_up_to(100_000)
    with page_servers.serving(both.sina) as sina:
        lines = {
            "itick": day.source("itick", "ws://127.0.0.1:9", key=""),
            "sina": day.source("sina", sina, symbols=SYMBOLS),
        }
        settings = [LineSetting("itick", "itick", rank=1), LineSetting("sina", "sina", rank=2)]
        with Playing(day, lines, settings=settings) as playing:
            playing.until(lambda: playing.references())
            both.trade_up_to(100_400)
            playing.until(lambda: playing.volumes() == {"600519.SH": 400})

            assert "TICKPACK_ITICK_KEY" in playing.market.lines.conditions()["itick"].problem
            playing.play(1.2)
            assert playing.market.leader == "sina"


def test_a_tape_that_leads_and_a_page_count_each_share_once_and_the_page_goes_on_alone():
    day, vendor = Day(), sockets.ITickVendor()
    both = Both(day)
    both.trade_up_to(100_000)
    with sockets.serving(vendor) as where, page_servers.serving(both.sina) as sina:
        lines = {
            "itick": day.source("itick", **where, key=sockets.KEY, symbols=SYMBOLS),
            "sina": day.source("sina", sina, symbols=SYMBOLS),
        }
        settings = [LineSetting("itick", "itick", rank=1), LineSetting("sina", "sina", rank=2)]
        with Playing(day, lines, settings=settings) as playing:
            playing.until(lambda: vendor.follows("tick", "600519$SH") and playing.references())
            vendor.say("quote", "600519$SH", quote(day, 100_000, unit=1))
            playing.play(1.2)
            total = 100_000
            for volume in (300, 200, 400, 100, 300):
                total += volume
                vendor.say("tick", "600519$SH", tick(day, volume))
                both.trade_up_to(total, only="sina")
                playing.play(0.3)
            vendor.say("quote", "600519$SH", quote(day, total, unit=1))
            playing.until(lambda: playing.volumes() == {"600519.SH": 1_300})

            vendor.silent = True
            vendor.drop()
            both.trade_up_to(total + 700, only="sina")
            playing.until(lambda: playing.volumes() == {"600519.SH": 2_000}, seconds=25)
            vendor.silent = False

    assert playing.market.counters()["tape_surplus"] == 0
