"""The account's own pages: what they show, who is asked again, what survives, and that all of it is Chinese in Chinese."""

import io
import re
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail as sent
from django.core.cache import cache
from django.test import Client

from accounts.models import BrowserSession, Customer
from billing.models import Departure, Purchase
from kernel.clock import utc_now
from tests.factories import PASSWORD, a_grant, a_node, a_plan, a_purchase, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
NEW_PASSWORD = "another horse battery"


@pytest.fixture(autouse=True)
def shop(settings):
    cache.clear()
    settings.SMS_PROVIDER, settings.STAFF_MFA = "console", False
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def alice(alice, keys_dir):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    return alice


def logged_in(person, **heads):
    client = Client(headers=heads)
    answer = client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def proved(client, then):
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": then})
    assert answer.headers["location"] == then


# -- overview and browsers ------------------------------------------------------------------------------------------
def test_the_account_shows_who_and_how(alice):
    page = logged_in(alice).get("/account/").text

    for text in (alice.email, alice.public_id, "1 browser", "Mobile number", "Second factor", "API keys"):
        assert text in page


def test_another_browser_is_seen_and_ended(alice):
    here = logged_in(alice)
    there = logged_in(alice, user_agent="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    there.get("/account/")
    page = here.get("/account/sessions/").text
    assert "Firefox · Windows" in page
    assert "this browser" in here.get("/account/sessions/").text

    here.post(f"/account/sessions/{BrowserSession.objects.get(agent__contains='Firefox').pk}/end")

    assert there.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


# -- export ---------------------------------------------------------------------------------------------------------
def test_the_zip_is_streamed_to_who_has_just_logged_in(alice):
    answer = logged_in(alice).post("/account/export/")

    assert answer.streaming
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert "profile.json" in archive.namelist()
    assert "no-store" in answer.headers["cache-control"]


def test_who_came_long_ago_is_asked_first(alice, client):
    client.force_login(alice)  # Django's own login notes no method

    assert not client.post("/account/export/").streaming
    assert "/accounts/reauthenticate/?next=%2Faccount%2Fexport%2F" in client.get("/account/export/").text


def test_it_is_made_six_times_an_hour(alice):
    client = logged_in(alice)
    for _ in range(6):
        assert client.post("/account/export/").getvalue()

    assert client.post("/account/export/").status_code == 429


# -- deletion -------------------------------------------------------------------------------------------------------
FORM = {"understood": "on", "give_up": "on", "email": "Alice@example.com"}


def test_the_password_is_asked_for_again_before_an_account_goes(alice):
    client = logged_in(alice)

    answer = client.post("/account/delete/", FORM)

    assert answer.status_code == 200
    assert 'data-testid="prove"' in answer.text
    assert Customer.objects.get(pk=alice.pk).is_active


def test_an_account_goes_when_it_is_meant(alice):
    node = a_node(last_seen_at=utc_now())
    a_grant(alice, node, at=utc_now())
    topped_up(alice, 1000, at=utc_now())
    client = logged_in(alice)
    proved(client, "/account/delete/")
    page = client.get("/account/delete/").text
    assert "Pack 5" in page
    assert "¥10.00" in page
    for wrong in ({"give_up": ""}, {"understood": ""}, {"email": "other@example.com"}):
        assert client.post("/account/delete/", {**FORM, **wrong}).status_code == 422
    assert not Departure.objects.exists()

    answer = client.post("/account/delete/", FORM, follow=True)

    assert 'data-testid="left"' in answer.text
    assert client.get("/account/").status_code == 302
    assert Departure.objects.get().given_up_fen == 1000
    assert Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD}).status_code == 200


def test_the_same_address_signs_up_again(alice):
    client = logged_in(alice)
    proved(client, "/account/delete/")
    client.post("/account/delete/", FORM)

    answer = Client().post("/accounts/signup/", {"email": "alice@example.com", "password1": NEW_PASSWORD})

    assert answer.status_code == 302
    assert Customer.objects.get(email="alice@example.com").pk != alice.pk


# -- what was chosen survives ---------------------------------------------------------------------------------------
CHOSEN = {"plan": "pack-15", "months": "6", "node": "sh-1", "kind": "stack", "coupon": "HELLO", "use_balance": "on"}


def choose(client):
    answer = client.post("/subscribe/", {**CHOSEN, "key": "x"})
    assert answer.status_code == 302
    return answer.headers["location"]


def assert_chosen(address):
    for name, value in CHOSEN.items():
        assert f"{name}={value}" in address, address


def test_by_the_login_and_by_signing_up(alice):
    client = Client()
    page = client.get(choose(client)).text
    signup = re.findall(r'href="(/accounts/signup/[^"]*)"', page)[-1].replace("&amp;", "&")  # the header's comes first
    form = client.get(signup).text
    after = re.search(r'name="next" value="([^"]*)"', form).group(1).replace("&amp;", "&")
    answer = client.post("/accounts/signup/", {"email": "new@example.com", "password1": NEW_PASSWORD, "next": after})
    assert_chosen(answer.headers["location"])

    other = Client()
    choose(other)
    # Without `next`: by a door that has lost it.
    answer = other.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert_chosen(answer.headers["location"])


def test_by_the_mail_that_confirms_an_address_in_another_browser(settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    client = Client()
    choose(client)
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": NEW_PASSWORD})
    link = re.search(r"http://[^/]+(/accounts/confirm-email/\S+)", sent.outbox[-1].body).group(1)
    other = Client()
    page = other.get(link).text
    after = re.search(r'name="next" value="([^"]*)"', page).group(1).replace("&amp;", "&")
    assert_chosen(after)


def test_by_the_mail_that_sets_a_new_password_in_another_browser(alice):
    client = Client()
    choose(client)
    client.post("/accounts/password/reset/", {"email": alice.email})
    link = re.search(r"http://[^/]+(/accounts/password/reset/key/\S+)", sent.outbox[-1].body).group(1)
    other = Client()
    form = other.get(link, follow=True)
    other.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    answer = other.post("/accounts/login/", {"login": alice.email, "password": NEW_PASSWORD})

    assert_chosen(answer.headers["location"])


def test_a_trial_that_a_visitor_wants_is_chosen_after_the_login(alice):
    client = Client()
    client.post("/subscribe/trial", {"plan": "pack-5", "node": "sh-1"})
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

    assert answer.headers["location"].startswith("/subscribe/?plan=pack-5&node=sh-1&chosen_at=")


def test_once_it_is_ordered_the_mail_that_confirms_the_address_leads_to_no_second_payment(alice):
    a_plan()
    node = a_node(last_seen_at=utc_now())
    client = Client()
    after = parse_qs(urlsplit(choose(client)).query)["next"][0]
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": NEW_PASSWORD, "next": after})
    client.get(after)
    order = a_purchase(Customer.objects.get(email="new@example.com"), node, at=utc_now())
    link = re.search(r"http://[^/]+(/accounts/confirm-email/\S+)", sent.outbox[-1].body).group(1)
    form = re.search(r'name="next" value="([^"]*)"', client.get(link).text).group(1).replace("&amp;", "&")

    answer = client.post(link.split("?")[0], {"next": form}, follow=True)

    assert answer.request["PATH_INFO"] == "/dashboard/"
    order.refresh_from_db()
    Purchase.objects.filter(pk=order.pk).update(state="failed")
    assert client.get(form).status_code == 200  # nothing was paid: the choice is of use again


def test_a_choice_that_was_found_again_is_not_shown_at_another_door(alice):
    client = Client()
    after = parse_qs(urlsplit(choose(client)).query)["next"][0]
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD, "next": after})
    client.get(after)

    assert client.get("/accounts/signup/").headers["location"] == "/dashboard/"


@pytest.mark.parametrize("chosen_at", ["", "x", "1\u0661", "9" * 10, "9" * 40, "-1"])
def test_an_address_that_was_tampered_with_is_a_choice_like_any(alice, chosen_at):
    assert logged_in(alice).get("/subscribe/", {"plan": "pack-5", "chosen_at": chosen_at}).status_code == 200


# -- Chinese --------------------------------------------------------------------------------------------------------
VISITORS = (
    "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/",
    "/accounts/login/code/", "/accounts/inactive/", "/accounts/confirm-email/", "/accounts/confirm-email/none/",
    "/accounts/password/reset/key/1-set-password/", "/accounts/password/reset/key/done/", "/help/", "/account/deleted/",
    "/accounts/3rdparty/login/cancelled/", "/accounts/3rdparty/login/error/",
)  # fmt: skip
PEOPLE = (
    "/account/", "/account/sessions/", "/account/export/", "/account/delete/", "/account/keys/", "/mails/",
    "/accounts/email/", "/accounts/password/change/", "/accounts/phone/", "/accounts/2fa/", "/accounts/3rdparty/",
    "/accounts/2fa/totp/activate/", "/accounts/reauthenticate/", "/accounts/logout/", "/help/", "/help/tickets/new",
)  # fmt: skip
WRONG = (
    ("/accounts/login/", {"login": "a@example.com", "password": "x"}), ("/accounts/login/", {}),
    ("/accounts/signup/", {"email": "no", "password1": "abc"}), ("/accounts/signup/", {"email": "a@b.cn", "password1": "1234567"}),
    ("/accounts/signup/", {"email": "a@b.cn", "password1": "12345678"}), ("/accounts/password/reset/", {"email": "x"}),
)  # fmt: skip
WRONG_OF_PEOPLE = (
    ("/accounts/password/change/", {"oldpassword": "x", "password1": "a", "password2": "b"}),
    ("/accounts/email/", {"action_add": "", "email": "alice@example.com"}), ("/accounts/email/", {"action_add": "", "email": "x"}),
    ("/accounts/email/", {"action_remove": "", "email": "alice@example.com"}),
    ("/accounts/email/", {"action_add": "", "email": "second@example.com"}),
    ("/accounts/2fa/totp/activate/", {"code": "1"}), ("/accounts/reauthenticate/", {"password": "x"}),
    ("/account/delete/", {}), ("/help/tickets/new", {}), ("/accounts/phone/", {"phone": "1"}),
)  # fmt: skip
NAMES = re.compile(
    r"Tickpack|English|Microsoft Authenticator|Google Authenticator|1Password|Authorization: Bearer|Chrome|Firefox"
    r"|[\w.+-]+@[\w.-]+|https?://\S+|/\S+|UTF-8|GB18030"
)


def english(page):
    """Return the runs of three Latin words and more that a page shows to people."""
    page = re.sub(r"(?s)<(script|style|svg|code|head)\b.*?</\1>", " ", page)
    shown = (
        re.sub(r"<[^>]+>", "\n", page)
        + "\n"
        + "\n".join(re.findall(r'(?:aria-label|placeholder|title|alt)="([^"]*)"', page))
    )
    return [
        run
        for line in NAMES.sub(" ", shown).splitlines()
        for run in re.findall(r"[A-Za-z']{2,}(?:[ ,.;:]+[A-Za-z']{2,}){2,}", line)
    ]


def in_chinese(client):
    client.cookies["django_language"] = "zh-hans"
    return client


def test_no_page_of_a_visitor_speaks_english_to_a_chinese_reader():
    client = in_chinese(Client())
    found = {path: english(client.get(path).text) for path in VISITORS}
    for path, form in WRONG:
        cache.clear()
        found[path, str(form)] = english(client.post(path, form).text)

    assert {path: said for path, said in found.items() if said} == {}


def test_no_page_of_a_person_speaks_english_to_a_chinese_reader(alice):
    client = in_chinese(logged_in(alice))
    found = {path: english(client.get(path, follow=True).text) for path in PEOPLE}
    for path, form in WRONG_OF_PEOPLE:
        cache.clear()
        found[path, str(form)] = english(client.post(path, form, follow=True).text)

    assert {path: said for path, said in found.items() if said} == {}
    text = client.post("/accounts/signup/", {"email": "a@b.cn"}, follow=True).text
    assert "账户" not in text


def test_a_short_password_is_refused_in_chinese():
    page = in_chinese(Client()).post("/accounts/signup/", {"email": "a@b.cn", "password1": "ab1"}).text

    assert "密码太短，至少 8 个字符。" in page
    assert "已有账号" in page


def test_mails_of_an_account_are_chinese_too(alice):
    Customer.objects.update(language="zh-hans")
    client = in_chinese(logged_in(alice))
    client.post("/accounts/email/", {"action_add": "", "email": "second@example.com"})
    Client().post("/accounts/password/reset/", {"email": alice.email})

    for letter in sent.outbox:
        assert english(letter.subject + "\n" + letter.body) == []
        assert "账户" not in letter.body
        assert "Email" not in letter.body


def test_a_tick_has_no_headline_and_a_page_one_way_to_a_forgotten_password(client, alice):
    assert "Remember me</label>" in re.sub(r"\s+<", "<", client.get("/accounts/login/").text)
    client.force_login(alice)

    page = client.get("/accounts/password/change/", follow=True).text

    assert page.count('href="/accounts/password/reset/"') == 1
