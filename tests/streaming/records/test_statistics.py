"""Statistics on Redis: what is read is what was written, an older writer's record is read, another version is refused."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.instruments import InstrumentId
from streaming.domain.statistics import VALUES, Statistics
from streaming.records.statistics import StatisticsRecord, record_of, statistics_of, unpack_statistics
from streaming.records.versions import UnknownVersion, pack

MOUTAI = InstrumentId.parse("600519.SH")
STORED = st.none() | st.integers(-(2**63) + 1, 2**63 - 1)
SOME = st.builds(Statistics, st.just(MOUTAI), st.dates(date(2000, 1, 1)), **dict.fromkeys(VALUES, STORED))


@given(SOME)
def test_what_is_read_is_what_was_written(told):
    assert statistics_of(MOUTAI, unpack_statistics(pack(record_of(told)))) == told


def test_the_record_has_the_values_in_their_order():
    assert StatisticsRecord.__struct_fields__ == ("day", *VALUES)


def test_a_record_of_a_writer_who_knew_fewer_values_is_read():
    packed = StatisticsRecord.VERSION + msgspec.msgpack.encode(["2026-11-27", 16_053_800])

    told = statistics_of(MOUTAI, unpack_statistics(packed))

    assert told == Statistics(MOUTAI, date(2026, 11, 27), limit_up_e4=16_053_800)


def test_a_record_of_a_writer_who_knows_more_is_read():
    packed = StatisticsRecord.VERSION + msgspec.msgpack.encode(["2026-11-27", *[1] * len(VALUES), "more"])

    assert unpack_statistics(packed).bps_e4 == 1


def test_another_version_and_a_day_that_is_none_are_refused():
    with pytest.raises(UnknownVersion):
        unpack_statistics(b"\x02" + msgspec.msgpack.encode(["2026-11-27"]))
    with pytest.raises(msgspec.MsgspecError):
        unpack_statistics(b"\x01" + msgspec.msgpack.encode(["2026-13-27"]))
