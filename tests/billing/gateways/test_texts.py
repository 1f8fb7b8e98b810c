"""Amounts become text and amounts again without a float; instants are Shanghai's wherever the machine stands."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways import texts
from tests.factories import NOW


@given(st.integers(0, 10**7))
def test_t22_fen_to_text_and_back_is_the_same(fen):
    assert texts.fen_of(texts.yuan_text(fen)) == fen


def test_t22_the_sum_that_a_float_gets_wrong():
    assert int(599.80 * 100) == 59979

    assert texts.fen_of("599.80") == 59980
    assert texts.yuan_text(59980) == "599.80"
    assert (texts.yuan_text(-12), texts.fen_of("-0.12"), texts.yuan_text(2000)) == ("-0.12", -12, "20.00")


@pytest.mark.parametrize(
    "text", ["20", "20.0", "20.000", "1e3", " 20.00", "20.00\n", "+1.00", "１.00", "", "NaN", "20,00"]
)
def test_what_has_not_two_decimals_is_no_amount(text):
    with pytest.raises(ValueError, match="no amount"):
        texts.fen_of(text)


def test_fees_have_more_decimals_and_are_rounded_once():
    assert texts.decimal_of("0.12000") == Decimal("0.12")
    assert [texts.rounded_fen(Decimal(one)) for one in ("0.12", "0.005", "0.00499", "-0.12")] == [12, 1, 0, -12]
    with pytest.raises(ValueError, match="no amount"):
        texts.decimal_of("Infinity")


def test_instants_are_shanghais():
    assert texts.shanghai_text(NOW) == "2026-11-21 09:00:00"
    assert texts.shanghai_instant("2026-11-21 09:00:00") == NOW
    assert texts.shanghai_instant("2026-11-21 09:00:00.123") == NOW + timedelta(milliseconds=123)
    assert texts.instant("2026-11-21T09:00:00+08:00") == datetime(2026, 11, 21, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="no offset"):
        texts.instant("2026-11-21T09:00:00")
    with pytest.raises(ValueError, match="no date"):
        texts.shanghai_instant("2026-11-21")


def test_our_refund_numbers_are_known_by_their_form():
    from billing.services.refunds import new_number

    assert texts.is_our_refund(new_number("R", NOW))
    assert not texts.is_our_refund(new_number("P", NOW))
    assert not texts.is_our_refund("R7")
