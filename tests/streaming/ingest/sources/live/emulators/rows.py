"""One instrument's moment as Sina and Tencent would write it, in their own units."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Moment:
    """An instrument's day so far: shares and yuan, prices as decimal texts.

    Args:
        word: Sina's of its state.
        board: Tencent's of its board.
        more: further values of a row of Tencent's, by position.
        traded: False before the first trade of the day.
    """

    volume: int
    clock: str = "10:00:03"
    day: str = "2026-11-27"
    last: str = "10.00"
    prev: str = "9.90"
    low: str = "9.50"
    high: str = "10.50"
    word: str = "00"
    board: str = "GP-A"
    bid: str = "9.99"
    ask: str = "10.01"
    more: Mapping[int, str] = field(default_factory=dict)

    @property
    def yuan(self) -> str:
        return f"{self.volume * 10}.00"  # ten a share, all day


def sina_row(one: Moment) -> str:
    orders = [part for side in (one.bid, one.ask) for part in ("300", side, *["0", "0.000"] * 4)]
    opened = one.prev if one.volume else "0.000"
    prices = [opened, one.prev, one.last, one.high, one.low, one.bid, one.ask]
    return ",".join(["名称", *prices, str(one.volume), one.yuan, *orders, one.day, one.clock, one.word, "D|0|0.000"])


def sina_hong_kong_row(one: Moment) -> str:
    day = one.day.replace("-", "/")
    return ",".join([
        "NAME", "名称", one.prev, one.prev, one.high, one.low, one.last, "0.1", "1.0", one.bid, one.ask, one.yuan,
        str(one.volume), "16.5", "0", "600", "400", day, one.clock, "30|3", "N|Y|Y",
    ])  # fmt: skip


def tencent_row(one: Moment) -> str:
    values = [""] * 88
    units = one.volume if one.board == "GP-A-KCB" else one.volume // 100
    values[0:7] = ["1", "名称", "000000", one.last, one.prev, one.prev, str(units)]
    for at, price in ((9, one.bid), (19, one.ask)):
        values[at : at + 10] = [price, "3", *["0.00", "0"] * 4]
    values[30] = one.day.replace("-", "") + one.clock.replace(":", "")
    values[33], values[34] = one.high, one.low
    values[35], values[36], values[37] = (
        f"{one.last}/{units}/{one.yuan.split('.')[0]}",
        str(units),
        str(one.volume // 1000),
    )
    values[61] = one.board
    for at, value in one.more.items():
        values[at] = value
    return "~".join(values)


def tencent_hong_kong_row(one: Moment) -> str:
    values = [""] * 78
    values[0:7] = ["100", "名称", "00700", one.last, one.prev, one.prev, f"{one.volume}.0"]
    values[9], values[19] = one.last, one.last
    values[30] = f"{one.day.replace('-', '/')} {one.clock}"
    values[33], values[34], values[35], values[36], values[37] = (
        one.high,
        one.low,
        one.last,
        f"{one.volume}.0",
        one.yuan,
    )
    return "~".join(values)
