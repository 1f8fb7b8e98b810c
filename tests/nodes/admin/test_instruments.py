"""The list in the admin: searched and changed there, published, and filled with what feeds report."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from kernel import keyspace
from nodes.models import Instrument, InstrumentList
from outbox.models import Outbox
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db, pytest.mark.usefixtures("few")]
LIST = "admin:nodes_instrument_changelist"


@pytest.fixture
def root(client):
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def entered(root):
    root.post(reverse("admin:enter_committed"))
    return root


@pytest.fixture
def reporting(data_redis):
    """A feed reports two symbols, of which no list has one."""
    data_redis.hset(keyspace.feed_state("CN"), mapping={"feed": "live", "unknown": json.dumps(["688999.SH"])})
    yield
    data_redis.delete(keyspace.feed_state("CN"))


def test_the_programs_list_is_entered_by_a_button(root):
    assert "Nothing of it is entered here yet" in root.get(reverse(LIST)).content.decode()

    root.post(reverse("admin:enter_committed"))

    assert Instrument.objects.count() == 4
    assert "List number 1 is published: 4 products" in root.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize("asked", ["600519", "茅台", "gzmt", "mao"])
def test_a_product_is_found_by_code_name_and_pinyin(entered, asked):
    page = entered.get(reverse(LIST), {"q": asked}).content.decode()

    assert "600519.SH" in page
    assert "00700.HK" not in page


def test_a_changed_row_is_published(entered):
    row = Instrument.objects.get(symbol="600519.SH")
    before = Outbox.objects.filter(kind="instruments").count()
    form = {name: value if value is not None else "" for name, value in Instrument.fields_of(row.as_row()).items()}

    answer = entered.post(reverse("admin:nodes_instrument_change", args=[row.pk]), form | {"name_zh": "茅台"})

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row.refresh_from_db()
    assert (row.name_zh, row.pinyin, row.entered_by) == ("茅台", "mao tai", "root@example.com")
    assert Outbox.objects.filter(kind="instruments").count() == before + 1
    assert InstrumentList.objects.get().rev == 2


def test_what_cannot_stand_in_a_list_is_refused_with_a_sentence(entered):
    form = {"symbol": "600002.SH", "board": "main", "kind": "stock", "currency": "CNY", "lot": 100, "tick_table": "0.01",
            "state": "trading", "prev_close_e4": 0}  # fmt: skip

    answer = entered.post(reverse("admin:nodes_instrument_add"), form)

    assert "it has no name" in answer.content.decode()
    assert Instrument.objects.count() == 4


def test_rows_are_delisted_and_listed_again(entered):
    row = Instrument.objects.get(symbol="000001.SZ")
    for action, state in (("delist", "delisted"), ("relist", "trading")):
        entered.post(reverse(LIST), {"action": action, "_selected_action": [row.pk]})
        row.refresh_from_db()
        assert row.state == state


def test_what_a_feed_reports_and_no_list_has_is_added_with_one_click(root, reporting):
    page = root.get(reverse(LIST)).content.decode()
    assert "688999.SH" in page

    answer = root.post(reverse("admin:add_reported"), {"symbol": "688999.SH"})

    added = Instrument.objects.get(symbol="688999.SH")
    assert answer.url == reverse("admin:nodes_instrument_change", args=[added.pk])
    assert (added.board, added.lot, added.entered_by) == ("star", 200, "root@example.com")
    assert Instrument.objects.count() == 5  # and the rest of the list was not lost
    assert LogEntry.objects.filter(object_id=str(added.pk)).exists()


def test_only_what_is_reported_is_added_and_only_by_who_may(root, client, reporting):
    root.post(reverse("admin:add_reported"), {"symbol": "688998.SH"})
    root.post(reverse("admin:add_reported"), {"symbol": "<script>"})
    assert not Instrument.objects.exists()
    assert root.get(reverse("admin:add_reported")).status_code == 405

    looker = a_customer("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_instrument"))
    client.force_login(looker)
    client.post(reverse("admin:add_reported"), {"symbol": "688999.SH"})
    client.post(reverse("admin:enter_committed"))

    assert not Instrument.objects.exists()
    assert "688999.SH" not in client.get(reverse(LIST)).content.decode()
