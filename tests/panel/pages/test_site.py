"""Every page carries what is announced to its reader, and who sells; what nobody has entered is not printed."""

import pytest
from django.db import OperationalError

from content.models import ShopDetails
from content.services import announcing
from kernel.clock import utc_now
from tests.factories import a_customer, a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
SAID = {"text_en": "We look into it.", "text_zh": "正在排查。", "title_en": "Prices are late", "title_zh": "行情延迟"}


def announce(kind="incident", **more):
    by = a_customer(f"operator-{kind}", is_staff=True)
    return announcing.announce(kind=kind, by=by, now=utc_now(), **{**SAID, **more})


@pytest.mark.parametrize("path", ["/", "/subscribe/", "/accounts/login/", "/terms/", "/nothing"])
def test_an_incident_stands_above_every_page_in_its_reader_s_language(client, path):
    announce()

    assert "Prices are late" in client.get(path).text
    assert "行情延迟" in client.get(path, headers={"accept-language": "zh-hans"}).text


def test_only_what_may_be_closed_has_a_button(client):
    announce()
    assert "data-dismiss" not in client.get("/").text

    announce("info", title_en="A new board")

    assert client.get("/").text.count("data-dismiss") == 1


def test_a_customer_hears_of_their_own_group_alone(client, keys_dir):
    alice, node = a_customer("alice"), a_node(last_seen_at=utc_now())
    a_grant(alice, node, at=utc_now())
    announce(group=a_group("bj"))
    assert "Prices are late" in client.get("/").text

    client.force_login(alice)

    assert "Prices are late" not in client.get("/dashboard/").text


def test_the_foot_prints_what_was_entered_with_links_to_the_registers(client):
    text = client.get("/").text
    assert 'data-testid="filings"' not in text
    assert 'data-testid="seller"' not in text

    ShopDetails.objects.create(company="某某科技", icp="沪ICP备1号-1", police="沪公网安备 310101号", mail="a@b.example")

    text = client.get("/").text
    assert '<a href="https://beian.miit.gov.cn/" rel="noopener">沪ICP备1号-1</a>' in text
    assert "https://beian.mps.gov.cn/#/query/webSearch?code=310101" in text
    assert "<span>某某科技</span>" in text
    assert text.count("tel:") == 0


def test_a_missing_page_is_missing_without_the_database_too(client, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("content.selectors.details", away)
    monkeypatch.setattr("content.selectors.shown", away)

    assert client.get("/nothing").status_code == 404
