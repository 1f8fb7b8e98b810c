"""The list is changed in one piece, published under a rising number, and is in Redis as soon as the outbox is delivered."""

import json

import pytest

from kernel import keyspace
from kernel.clock import utc_now
from kernel.listing import FIELDS, head, unpack
from nodes.errors import ListChanged
from nodes.models import Instrument, InstrumentList
from nodes.services.instruments import (
    add_reported,
    compare_list,
    delete_instruments,
    enter_committed,
    save_instrument,
    set_state,
    take_list,
)
from nodes.services.list_files import read_list
from outbox.models import Outbox
from outbox.services.restating import restate
from outbox.services.sending import deliver_outbox
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db, pytest.mark.usefixtures("few")]


@pytest.fixture
def published(data_redis):
    """What Redis holds once everything is delivered: (number, names by symbol)."""

    def look():
        deliver_outbox(now=utc_now())
        packed = data_redis.get(keyspace.INSTRUMENTS)
        if packed is None:
            return 0, {}
        rows = [dict(zip(FIELDS, json.loads(line), strict=True)) for line in unpack(packed.decode()).splitlines()]
        return head(packed.decode()), {row["symbol"]: row["name_zh"] for row in rows}

    yield look
    data_redis.delete(keyspace.INSTRUMENTS)


def taken(text, **more):
    listed = read_list(text)
    difference = compare_list(listed, whole=False)
    return take_list(listed, shown=difference, by="Lin", whole=False, **more)


def test_the_first_change_enters_the_whole_list_and_publishes_it(published):
    assert taken("symbol,name_zh\n688981.SH,中芯国际\n600519.SH,茅台\n") == 2

    rev, names = published()
    assert rev == 1
    assert names == {"600519.SH": "茅台", "000001.SZ": "平安银行", "430047.BJ": "诺思兰德", "00700.HK": "腾讯控股",
                     "688981.SH": "中芯国际"}  # fmt: skip
    new = Instrument.objects.get(symbol="688981.SH")
    assert (new.pinyin, new.initials, new.entered_by) == ("zhong xin guo ji", "zxgj", "Lin")
    assert Instrument.objects.first().symbol == "600519.SH"  # the committed order is kept
    assert InstrumentList.objects.get().published_by == "Lin"


def test_each_change_has_a_higher_number(published):
    taken("symbol,name_zh\n688981.SH,甲\n")
    assert published()[0] == 1
    taken("symbol,name_zh\n688981.SH,乙\n")
    assert published()[0] == 2


def test_a_list_that_somebody_changed_meanwhile_is_not_overwritten():
    listed = read_list("symbol,name_zh\n600519.SH,茅台\n")
    shown = compare_list(listed, whole=False)
    taken("symbol,name_zh\n600519.SH,另名\n")

    with pytest.raises(ListChanged):
        take_list(listed, shown=shown, by="Lin", whole=False)
    assert Instrument.objects.get(symbol="600519.SH").name_zh == "另名"


def test_a_code_that_changed_takes_the_old_ones_place(published):
    taken("symbol,former_codes\n920047.BJ,430047.BJ\n")

    _, names = published()
    assert names["920047.BJ"] == "诺思兰德"
    assert "430047.BJ" not in names


def test_one_row_is_saved_with_its_pinyin_and_published(published):
    enter_committed(by="Lin")
    row = Instrument.objects.get(symbol="600519.SH")
    row.name_zh = "长江"
    save_instrument(row, by="Ops")

    row.refresh_from_db()
    assert (row.pinyin, row.initials, row.entered_by) == ("chang jiang", "cj", "Ops")
    assert published() == (2, {**published()[1], "600519.SH": "长江"})
    assert not enter_committed(by="Lin")


def test_the_first_row_that_is_added_does_not_replace_the_list(published):
    save_instrument(Instrument(symbol="688981.SH", name_zh="中芯国际", board="star", kind="stock", currency="CNY",
                               lot=200, tick_table="0.01"), by="Ops")  # fmt: skip

    assert len(published()[1]) == 5


def test_what_a_source_reports_is_added_as_its_code_says(published):
    added = add_reported(symbol="688999.SH", name="", by="Ops")

    assert (added.name_zh, added.board, added.lot) == ("688999.SH", "star", 200)
    assert add_reported(symbol="600519.SH", name="别名", by="Ops").name_zh == "贵州茅台"


def test_states_are_set_and_rows_taken_out(published):
    enter_committed(by="Lin")
    some = Instrument.objects.filter(symbol__in=["600519.SH", "000001.SZ"]).values_list("pk", flat=True)

    assert set_state(some, state="delisted", by="Ops") == 2
    assert set_state(some, state="delisted", by="Ops") == 0
    delete_instruments(some, by="Ops")

    assert set(published()[1]) == {"430047.BJ", "00700.HK"}


def test_nothing_is_announced_where_nothing_changed():
    enter_committed(by="Lin")
    before = Outbox.objects.count()

    assert not enter_committed(by="Lin")

    assert Outbox.objects.count() == before


def test_a_redis_that_lost_the_list_is_told_it_again(published, data_redis):
    taken("symbol,name_zh\n688981.SH,甲\n")
    assert published()[0] == 1
    data_redis.delete(keyspace.INSTRUMENTS)

    assert restate(now=NOW)["instruments"] == 1
    assert published()[0] == 1
    assert restate(now=NOW)["instruments"] == 0
