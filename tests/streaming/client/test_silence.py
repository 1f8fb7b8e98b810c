"""A dead connection shows after 10 s while bars are due, and after the usual time whenever none are."""

import pytest

from streaming.client.silence import Silence

WELCOME = {"type": "welcome", "markets": {"CN": {"state": "open"}, "HK": {"state": "lunch_break"}}}


def bar(seq: int, symbol: str = "600519.SH", **more) -> dict:
    return {"type": "kline", "symbol": symbol, "seq": seq, "data": {}, **more}


def status(**told) -> dict:
    return {"type": "status", **told}


def moving(
    *more: dict, silent_s: float = 40.0, bars_due: bool = True, step_s: float = 1.5, symbol="600519.SH"
) -> float:
    """Return the limit behind a welcome, two bars in a row, and more messages."""
    silence = Silence(silent_s, bars_due=bars_due)
    for nth, message in enumerate([WELCOME, bar(1, symbol), bar(2, symbol), *more]):
        silence.heard(message, nth * step_s)
    return silence.limit_s()


def test_ten_seconds_where_bars_come_one_after_another():
    assert moving() == 10


def test_before_the_second_bar_nobody_knows_how_they_come():
    silence = Silence(40, bars_due=True)
    silence.heard(WELCOME, 0)
    silence.heard(bar(1), 1)
    silence.heard(bar(1, "000001.SZ"), 1)

    assert silence.limit_s() == 40


@pytest.mark.parametrize(
    "quiet",
    [
        status(market="CN", state="lunch_break"),
        status(market="CN", state="no_feed"),
        status(symbol="600519.SH", state="halted"),
        {"type": "unsubscribed", "current": []},
        {"type": "subscribed", "current": ["000001.SZ"]},
    ],
)
def test_where_no_bar_is_due_it_is_the_usual_time(quiet):
    assert moving(quiet) == 40


def test_a_market_that_opens_again_is_brisk_when_its_bars_are():
    again = [status(market="CN", state="lunch_break"), status(market="CN", state="open"), bar(9), bar(10)]

    assert moving(*again[:2]) == 40
    assert moving(*again) == 10


def test_one_that_still_moves_is_enough():
    assert moving(bar(3, "000001.SZ"), status(symbol="600519.SH", state="suspended")) == 10


def test_bars_of_a_market_that_is_not_open_promise_nothing():
    assert moving(symbol="00700.HK") == 40


def test_test_cn_always_moves():
    assert moving(symbol="TEST.CN") == 10


def test_a_replay_slower_than_time_is_waited_for():
    assert moving(step_s=15) == 40


def test_longer_intervals_and_bars_of_trades_alone_are_not_due():
    assert moving(bars_due=False) == 40
    silence = Silence(40, bars_due=True)
    for nth in range(5):
        silence.heard(bar(nth, interval="1m"), nth)
    assert silence.limit_s() == 40


def test_who_asks_for_less_gets_less():
    assert moving(silent_s=0.3) == 0.3
