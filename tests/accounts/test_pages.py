"""A phone's way through the real pages: added, proved, used to log in; and everything that may stand in its way."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from allauth.account import app_settings
from django.core.cache import cache
from django.test import Client

from accounts import captcha
from accounts.models import Customer, SmsDay, SmsMessage
from accounts.selectors import verified_phone
from kernel.clock import utc_now
from outbox.models import Outbox
from tests.accounts.senders import SENDERS, set_up
from tests.emulators.serving import Fault
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
NUMBER, OTHER = "13800138000", "13900139000"
ASK, PROVE, CODE, CONFIRM = "/accounts/phone/", "/accounts/phone/verify/", "/accounts/login/code/", "/accounts/login/code/confirm/"  # fmt: skip
DASHBOARD = "/dashboard/"


@pytest.fixture(params=sorted(SENDERS))
def sender(request, settings):
    cache.clear()
    settings.STAFF_MFA = False
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "sms": ""}  # they have tests of their own
    settings.ACCOUNT_LOGIN_BY_CODE_ENABLED = True
    with SENDERS[request.param]() as emulator:
        set_up(settings, emulator)
        yield emulator
    cache.clear()


@pytest.fixture
def one_sender(settings):
    """The same with one of the two, for what does not depend on who sends."""
    cache.clear()
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "sms": ""}
    with SENDERS["aliyun"]() as emulator:
        set_up(settings, emulator)
        yield emulator
    cache.clear()


@pytest.fixture
def alice(db):
    return a_customer("alice")


def ask(client, address, number=NUMBER, *, digits=None):
    """Open the page, read the picture as a person does, and send the form."""
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    question = re.search(r'name="digits_question" value="([^"]+)"', page.text).group(1)
    assert client.get(f"/accounts/question/{question}.png").headers["content-type"] == "image/png"
    said = {"phone": number, "digits_question": question, "digits": digits or captcha.digits_of(question)}
    return client.post(address, said)


def add_number(client, emulator, number=NUMBER):
    assert ask(client, ASK, number).headers["location"] == PROVE
    return client.post(PROVE, {"code": emulator.last_code(number)})


def log_in(emulator, number=NUMBER):
    client = Client()
    assert ask(client, CODE, number).headers["location"] == CONFIRM
    return client, client.post(CONFIRM, {"code": emulator.last_code(number)})


def is_in(client):
    return client.get(DASHBOARD).status_code == 200


def test_a_number_is_added_and_lets_its_owner_in(sender, alice, caplog):
    caplog.set_level("DEBUG")
    client = Client()
    client.force_login(alice)
    assert f'href="{ASK}"' in client.get("/account/").text

    assert add_number(client, sender).headers["location"] == ASK
    assert "+8613800138000" in client.get(ASK).text
    assert verified_phone(alice) == "+8613800138000"
    client.post("/accounts/logout/")

    again, answer = log_in(sender)
    assert answer.headers["location"] == DASHBOARD
    assert is_in(again)
    assert again.get(DASHBOARD).wsgi_request.user == alice
    assert [(one.purpose, one.outcome, one.number, one.cost_fen) for one in SmsMessage.objects.order_by("pk")] == [
        ("phone", "sent", "138****8000", 5),
        ("login", "sent", "138****8000", 5),
    ]
    assert sorted(sender.templates) == [sender.messages[1].template, sender.messages[0].template]
    assert NUMBER not in caplog.text


def test_the_way_from_the_login_page_keeps_where_one_was_going(one_sender, alice, settings):
    settings.ACCOUNT_LOGIN_BY_CODE_ENABLED = True
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{NUMBER}", phone_verified_at=utc_now())
    client = Client()

    door = re.search(r'href="([^"]*)" data-testid="door-phone"', client.get("/accounts/login/?next=/subscribe/").text)
    answer = ask(client, door.group(1).replace("&amp;", "&"))

    assert answer.headers["location"] == f"{CONFIRM}?next=%2Fsubscribe%2F"
    answer = client.post(answer.headers["location"], {"code": one_sender.last_code(NUMBER)})
    assert answer.headers["location"] == "/subscribe/"


def test_who_waits_for_a_code_can_ask_for_another_or_use_the_password(one_sender, alice, settings):
    settings.ACCOUNT_LOGIN_BY_CODE_ENABLED = True
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{NUMBER}", phone_verified_at=utc_now())
    client = Client()
    ask(client, f"{CODE}?next=/subscribe/", OTHER)

    ways = re.findall(r'name="next" value="([^"]+)"', client.get(f"{CONFIRM}?next=/subscribe/").text)
    again = [unquote(way) for way in ways if way.startswith("/accounts/") and CONFIRM not in way]

    assert again == [f"{CODE}?next=/subscribe/", "/accounts/login/?next=/subscribe/"]
    for way in again:
        assert client.post("/accounts/logout/", {"next": way}).headers["location"] == way
        assert client.get(way).status_code == 200
        ask(client, CODE)
    assert client.post(CONFIRM, {"code": one_sender.last_code(NUMBER)}).headers["location"] == DASHBOARD


def test_three_wrong_codes_end_one(sender, alice):
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{NUMBER}", phone_verified_at=utc_now())
    client = Client()
    ask(client, CODE)
    right = sender.last_code(NUMBER)
    wrong = "000000" if right != "000000" else "111111"

    assert [client.post(CONFIRM, {"code": wrong}).status_code for _ in range(3)] == [200, 200, 302]
    client.post(CONFIRM, {"code": right})

    assert not is_in(client)


def test_three_wrong_codes_end_one_that_proves_a_number(sender, alice):
    client = Client()
    client.force_login(alice)
    ask(client, ASK)
    right = sender.last_code(NUMBER)
    wrong = "000000" if right != "000000" else "111111"

    assert [client.post(PROVE, {"code": wrong}).status_code for _ in range(3)] == [200, 200, 302]
    client.post(PROVE, {"code": right})

    assert verified_phone(alice) == ""


@pytest.mark.parametrize("way", ["log in", "prove"])
def test_a_code_counts_for_five_minutes(one_sender, alice, monkeypatch, way):
    import time

    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{OTHER}", phone_verified_at=utc_now())
    assert (app_settings.LOGIN_BY_CODE_TIMEOUT, app_settings.PHONE_VERIFICATION_TIMEOUT) == (300, 300)
    client, page, number = Client(), CONFIRM, OTHER
    if way == "prove":
        client.force_login(alice)
        page, number = PROVE, NUMBER
    ask(client, CODE if way == "log in" else ASK, number)
    now = time.time()

    monkeypatch.setattr("allauth.account.internal.flows.code_verification.time.time", lambda: now + 301)
    client.post(page, {"code": one_sender.last_code(number)})
    monkeypatch.undo()

    assert way == "prove" or not is_in(client)
    assert verified_phone(alice) == f"+86{OTHER}"


@pytest.mark.parametrize("address", [CODE, ASK])
def test_nothing_is_sent_before_the_question_is_answered(one_sender, alice, address):
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{OTHER}", phone_verified_at=utc_now())
    client = Client()
    if address == ASK:
        client.force_login(alice)

    answer = ask(client, address, OTHER if address == CODE else NUMBER, digits="00")

    assert (answer.status_code, one_sender.messages, one_sender.requests) == (200, [], [])
    assert SmsMessage.objects.count() == 0
    assert 'id="id_digits_error"' in answer.text


def test_a_number_that_nobody_has_is_written_nothing_and_looks_the_same(one_sender, alice):
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{NUMBER}", phone_verified_at=utc_now())
    known, unknown = Client(), Client()

    answers = [ask(known, CODE, NUMBER), ask(unknown, CODE, OTHER)]
    pages = [one.get(CONFIRM).text.replace(NUMBER, OTHER) for one in (known, unknown)]

    assert answers[0].headers["location"] == answers[1].headers["location"]
    csrf = r'name="csrfmiddlewaretoken" value="\w+"'
    assert re.sub(csrf, "", pages[0]) == re.sub(csrf, "", pages[1])
    assert [one.number for one in one_sender.messages] == [NUMBER]
    assert unknown.post(CONFIRM, {"code": ""}).status_code == 200
    assert not is_in(unknown)


def test_a_former_account_is_written_nothing(one_sender, alice):
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{NUMBER}", phone_verified_at=utc_now(), is_active=False)

    ask(Client(), CODE)

    assert one_sender.messages == []


def test_a_number_that_changed_hands_moves_with_its_sim(one_sender, alice):
    bob = a_customer("bob", phone=f"+86{NUMBER}", phone_verified_at=utc_now() - timedelta(days=400), language="zh-hans")
    client = Client()
    client.force_login(alice)

    add_number(client, one_sender)

    assert (verified_phone(alice), verified_phone(bob)) == (f"+86{NUMBER}", "")
    told = Outbox.objects.get(kind="phone_moved")
    said = {name: told.payload[name] for name in ("to", "number")}
    assert (said, told.language) == ({"to": "bob@example.com", "number": "138****8000"}, "zh-hans")
    again, _ = log_in(one_sender)
    assert again.get(DASHBOARD).wsgi_request.user == alice


def test_at_the_cap_the_page_says_so_to_everybody_and_the_log_once(one_sender, alice, settings, caplog):
    settings.SMS_PRICE_FEN, settings.SMS_DAILY_CAP_FEN = 5, 12
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{NUMBER}", phone_verified_at=utc_now())

    answers = [ask(Client(), CODE, number) for number in (NUMBER, NUMBER, NUMBER, OTHER, NUMBER)]

    assert [one.status_code for one in answers] == [302, 302, 200, 200, 200]
    assert all("No more codes can be sent to phones today" in one.text for one in answers[2:])
    assert len(one_sender.messages) == 2
    assert SmsDay.objects.get().spent_fen == 10
    assert [one.message for one in caplog.records if "SMS_DAILY_CAP_FEN" in one.message].__len__() == 1


@pytest.mark.parametrize(
    ("fault", "words", "outcome", "spent_fen"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", "Wait an hour", "refused", 0),
        ("isv.MOBILE_NUMBER_ILLEGAL", "cannot be written to", "refused", 0),
        ("isv.AMOUNT_NOT_ENOUGH", "we have been told", "refused", 0),
        ("500", "Try again in a minute", "unknown", 5),
    ],
)
def test_what_the_provider_says_is_told_in_plain_words(one_sender, alice, fault, words, outcome, spent_fen):
    one_sender.faults.append(Fault("send", fault))
    client = Client()
    client.force_login(alice)

    answer = ask(client, ASK)

    assert (answer.status_code, words in answer.text) == (200, True)
    row = SmsMessage.objects.get()
    assert (row.outcome, row.cost_fen, SmsDay.objects.get().spent_fen) == (outcome, spent_fen, spent_fen)
    assert NUMBER not in f"{row.provider_code} {row.provider_number} {row.number}"
    assert client.get(PROVE).headers["location"] == ASK  # no code is waited for
    assert add_number(client, one_sender).headers["location"] == ASK


def test_a_number_is_written_once_a_minute_and_five_times_an_hour_whoever_asks(one_sender, alice, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "sms": "1/m/key,100/h/ip"}
    Customer.objects.filter(pk=alice.pk).update(phone=f"+86{NUMBER}", phone_verified_at=utc_now())

    answers = [ask(Client(REMOTE_ADDR=f"203.0.113.{nth}"), CODE) for nth in range(2)]
    unknown = [ask(Client(REMOTE_ADDR=f"203.0.113.{nth}"), CODE, OTHER) for nth in range(2)]

    for of_one in (answers, unknown):
        assert [one.status_code for one in of_one] == [302, 200]
        assert "Too many codes were asked for" in of_one[1].text
    assert len(one_sender.messages) == 1


def test_the_limits_are_those_that_the_page_of_settings_promises(settings):
    from config import settings as shipped

    assert shipped.ACCOUNT_RATE_LIMITS["sms"] == "1/m/key,5/h/key,10/d/key,10/h/ip,30/d/ip"


def test_an_address_asks_ten_times_an_hour_for_whatever_numbers(one_sender, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "sms": "10/h/ip"}

    answers = [ask(Client(), CODE, f"138001380{nth:02d}") for nth in range(11)]

    assert [one.status_code for one in answers] == [302] * 10 + [200]


def test_a_number_is_removed_and_lets_nobody_in(one_sender, alice):
    client = Client()
    client.force_login(alice)
    add_number(client, one_sender)

    client.post("/accounts/phone/remove/")

    assert verified_phone(alice) == ""
    ask(Client(), CODE)
    assert len(one_sender.messages) == 1


def test_without_a_provider_nothing_of_phones_is_there(client, alice, settings):
    settings.SMS_PROVIDER, settings.ACCOUNT_LOGIN_BY_CODE_ENABLED = "none", False
    question = captcha.new_question()
    assert "phone" not in client.get("/accounts/login/").text.lower()
    client.force_login(alice)

    assert ASK not in client.get(DASHBOARD).text
    for address in (ASK, PROVE, CODE, f"/accounts/question/{question}.png", f"/accounts/question/{question}.wav"):
        assert client.get(address).status_code == 404, address
    assert client.post("/accounts/phone/remove/").status_code == 404


def test_pictures_and_sounds_are_made_a_few_times_a_minute(client, settings):
    cache.clear()
    settings.ACCOUNT_RATE_LIMITS = {
        **settings.ACCOUNT_RATE_LIMITS,
        "captcha_picture": "2/m/ip",
        "captcha_sound": "1/m/ip",
    }
    question = captcha.new_question()

    drawn = [client.get(f"/accounts/question/{question}.png") for _ in range(3)]
    spoken = [client.get(f"/accounts/question/{question}.wav") for _ in range(2)]

    assert [one.status_code for one in drawn + spoken] == [200, 200, 429, 200, 429]
    assert (drawn[0].headers["cache-control"], spoken[0].headers["content-type"]) == ("no-store", "audio/wav")
    assert client.get("/accounts/question/made-up.png").status_code == 429
    cache.clear()
    assert client.get("/accounts/question/made-up.png").status_code == 404
