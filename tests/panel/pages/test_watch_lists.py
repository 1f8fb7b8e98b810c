"""Watch lists over JSON, and the page that a link shares: limits, whose they are, and what strangers see."""

import pytest
from django.test import Client

from accounts.domain.watch_lists import MOST_LISTS
from accounts.models import WatchList
from accounts.services import change_watch_list, create_watch_list
from kernel.clock import utc_now
from nodes.models import Instrument
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LISTS = "/live/lists/"


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def asked(browser, address, **body):
    return browser.post(address, body, content_type="application/json")


def made(browser, name="Banks", symbols=("600036.SH",)):
    answer = asked(browser, LISTS, name=name, symbols=list(symbols))
    assert answer.status_code == 201
    return answer.json()


def names(browser):
    return [one["name"] for one in browser.get(LISTS).json()["lists"]]


def test_a_new_customer_has_no_list_and_looking_makes_none(browser):
    assert browser.get(LISTS).json() == {"lists": [], "most_lists": 50, "most_symbols": 500}
    assert not WatchList.objects.exists()


def test_a_list_is_the_same_on_another_device(browser, alice):
    made(browser, symbols=["700.hk", "600036.SH"])
    other = Client()
    other.force_login(alice)

    (row,) = other.get(LISTS).json()["lists"]

    assert (row["name"], row["symbols"], row["link"]) == ("Banks", ["00700.HK", "600036.SH"], None)


def test_two_devices_add_to_one_list_and_neither_is_lost(browser):
    address = f"{LISTS}{made(browser)['id']}/"

    asked(browser, address, add=["601398.SH"])
    answer = asked(browser, address, add=["600519.SH"], order=["600519.SH", "600036.SH"])

    assert answer.json()["symbols"] == ["600519.SH", "600036.SH", "601398.SH"]


def test_a_list_is_renamed_and_moved_and_removed(browser):
    one, _two = made(browser), made(browser, "Tech")
    asked(browser, f"{LISTS}{one['id']}/", name="Big banks", place=99)
    assert names(browser) == ["Tech", "Big banks"]

    assert asked(browser, f"{LISTS}{one['id']}/remove").status_code == 200
    assert names(browser) == ["Tech"]


def test_the_list_that_is_one_too_many_is_refused_with_the_number(browser, alice):
    now = utc_now()
    for number in range(MOST_LISTS):
        create_watch_list(customer=alice, name=str(number), symbols=[], now=now)

    answer = asked(browser, LISTS, name="x", symbols=[])

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_watch_lists")
    assert len(names(browser)) == MOST_LISTS


@pytest.mark.parametrize("body", ["", "[]", "{", "[" * 100_000, '{"name": ""}', '{"name": "x", "symbols": "A"}'])
def test_garbage_is_refused_and_nothing_is_made(browser, body):
    answer = browser.post(LISTS, body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_watch_list")
    assert names(browser) == []


def test_a_form_of_another_page_cannot_change_a_list(alice):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    assert asked(strict, LISTS, name="x", symbols=[]).status_code == 403
    assert not WatchList.objects.exists()


def test_whoever_has_the_link_sees_names_and_symbols_and_nothing_of_the_owner(browser, alice):
    row = made(browser)
    link = asked(browser, f"{LISTS}{row['id']}/", shared=True).json()["link"]

    page = Client().get(link)

    assert page.status_code == 200
    assert "600036.SH" in page.text
    assert "Banks" in page.text
    assert alice.email not in page.text
    assert alice.public_id not in page.text


def test_a_shared_list_is_copied_by_who_is_logged_in_and_stays_theirs(browser, alice):
    row = made(browser)
    link = asked(browser, f"{LISTS}{row['id']}/", shared=True).json()["link"]
    other = Client()
    other.force_login(a_customer("bob"))

    shown = other.post(f"{link}add").headers["location"]
    copy = other.get(LISTS).json()["lists"][0]
    assert shown == f"/live/?list={copy['id']}"
    asked(browser, f"{LISTS}{row['id']}/", add=["600519.SH"])

    assert other.get(LISTS).json()["lists"][0]["symbols"] == ["600036.SH"]


def test_a_stranger_logs_in_first_and_comes_back_to_the_shared_list(browser):
    row = made(browser)
    link = asked(browser, f"{LISTS}{row['id']}/", shared=True).json()["link"]

    answer = Client().post(f"{link}add")

    assert answer.headers["location"].startswith("/accounts/login/?next=/lists/")
    assert "add" not in answer.headers["location"]


def test_a_link_that_was_ended_never_works_again(browser, alice):
    row = WatchList.objects.get(public_id=made(browser)["id"])
    first = change_watch_list(pk=row.pk, asked={"shared": True}, now=utc_now()).share_code
    assert change_watch_list(pk=row.pk, asked={"shared": True}, now=utc_now()).share_code == first

    change_watch_list(pk=row.pk, asked={"shared": False}, now=utc_now())
    second = change_watch_list(pk=row.pk, asked={"shared": True}, now=utc_now()).share_code

    assert browser.get(f"/lists/{first}/").status_code == 404
    assert browser.get(f"/lists/{second}/").status_code == 200


@pytest.mark.parametrize(("language", "name"), [("en", "China Merchants Bank"), ("zh-hans", "招商银行")])
def test_a_shared_list_shows_names_in_the_readers_language(browser, language, name):
    Instrument.objects.create(
        symbol="600036.SH", name_zh="招商银行", name_en="China Merchants Bank", board="main", kind="stock",
        currency="CNY", lot=100, tick_table="cn",
    )  # fmt: skip
    address = f"{LISTS}{made(browser, symbols=['600036.SH', '601398.SH'])['id']}/"
    link = asked(browser, address, shared=True).json()["link"]

    page = Client().get(link, headers={"accept-language": language}).text

    assert f"<li>{name} <code>600036.SH</code></li>" in page
    assert "<li><code>601398.SH</code></li>" in page  # of which the list has no name
