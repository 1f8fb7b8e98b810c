"""The node's own statistics: decimals of 1/10,000s, whole units as they are, and null for what nobody tells."""

from datetime import date

from kernel.instruments import InstrumentId
from streaming.domain.statistics import VALUES, Statistics
from streaming.reference import directory
from streaming.wire.dialects.native.rest import statistics

TENCENT = directory().described(InstrumentId.parse("00700.HK"))


def test_what_is_told_is_told_in_its_units():
    told = Statistics(
        TENCENT.id, date(2026, 9, 30), limit_up_e4=16_053_800, turnover_rate_e4=1_700, pe_ttm_e4=-144_500, lot=50,
        total_shares=9_092_605_595, market_cap=3_918_913_010_000,
    )  # fmt: skip

    row = statistics(TENCENT, told)

    assert {name: value for name, value in row.items() if value is not None} == {
        "symbol": "00700.HK", "date": "2026-09-30", "currency": "HKD", "lot": 50, "limit_up": 1605.38,
        "turnover_rate": 0.17, "pe_ttm": -14.45, "total_shares": 9_092_605_595, "market_cap": 3_918_913_010_000,
    }  # fmt: skip


def test_what_nobody_tells_is_null_and_the_lot_is_the_lists():
    row = statistics(TENCENT, None)

    assert (row.pop("symbol"), row.pop("currency"), row.pop("lot")) == ("00700.HK", "HKD", TENCENT.lot)
    assert set(row.values()) == {None}


def test_every_value_has_a_field():
    row = statistics(TENCENT, None)

    assert set(row) == {"symbol", "date", "currency", *(name.removesuffix("_e4") for name in VALUES)}
