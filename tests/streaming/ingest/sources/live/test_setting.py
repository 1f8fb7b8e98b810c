"""Which instruments a line asks for, and what is said of those that it does not."""

import pytest

from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting, wanted_of
from streaming.reference import directory

LISTED = directory()


def wanted(lane: str = "CN", carries=lambda one: True, **more):
    found = wanted_of(ProviderSetting("sina", **more), LISTED, lane, carries)
    return [one.symbol for one in found.instruments], found.remark


def test_without_a_choice_it_is_the_lists_instruments_in_its_order_up_to_the_limit():
    symbols, remark = wanted(most=3)

    assert symbols == [one.symbol for one in LISTED.in_lane("CN")][:3]
    assert (
        f"3 of {len(LISTED.in_lane('CN'))} instruments are asked for, which is the limit (TICKPACK_SINA_MOST)" in remark
    )
    assert f"the first one left out is {LISTED.in_lane('CN')[3].symbol}." in remark


def test_a_choice_keeps_its_order_and_each_market_takes_its_own():
    chosen = ("700.HK", "000001.SZ", "600519.SH")

    assert wanted(symbols=chosen) == (["000001.SZ", "600519.SH"], "")
    assert wanted("HK", symbols=chosen) == (["00700.HK"], "")


def test_what_is_no_symbol_is_named_and_the_others_are_asked_for():
    symbols, remark = wanted(symbols=("600519.SH", "moutai", "60051.SH"))

    assert symbols == ["600519.SH"]
    assert remark == "TICKPACK_SINA_SYMBOLS has what is no symbol of this program: moutai, 60051.SH."


def test_what_a_provider_does_not_have_is_counted():
    symbols, remark = wanted(symbols=("600519.SH", "920001.SH"), carries=lambda one: not one.id.code.startswith("92"))

    assert (symbols, remark) == (["600519.SH"], "1 of 2 instruments are none that it has.")


def test_a_setting_never_shows_what_may_be_secret():
    setting = ProviderSetting("itick", key="KEY", url="wss://KEY@a", rest_url="https://KEY@b", proxy="http://u:KEY@c")

    assert "KEY" not in repr(setting)
    assert setting.variable("KEY") == "TICKPACK_ITICK_KEY"


@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_a_refusal_has_its_sentence_and_its_time(seconds):
    refused = ProviderRefused("No.", seconds)

    assert (refused.sentence, refused.after_seconds, str(refused)) == ("No.", seconds, "No.")
