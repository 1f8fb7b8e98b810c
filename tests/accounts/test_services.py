"""A person chooses the language that they are written to in; messages to phones stay under the cap; one number, one
account; keys for programs cannot be read again."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts import selectors
from accounts.domain.phones import Purpose
from accounts.errors import (
    AccountInactive,
    ApiKeyExpired,
    ApiKeyRevoked,
    ApiKeyUnknown,
    BadApiKeyRequest,
    SmsCapReached,
    TooManyApiKeys,
)
from accounts.models import ApiKey, Customer, SmsDay, SmsMessage
from accounts.services import (
    MOST_KEYS,
    choose_language,
    count_once_more,
    create_api_key,
    forget_phone,
    keep_phone,
    reserve_sms,
    revoke_api_key,
    send_code,
    use_api_key,
)
from kernel.clock import utc_now
from outbox.services.sending import deliver_outbox
from tests.at_once import at_once
from tests.factories import NOW, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_language_that_we_have_is_kept():
    alice = a_customer("alice")

    assert choose_language(customer=alice, language="zh-hans")
    assert (alice.language, Customer.objects.get().language) == ("zh-hans", "zh-hans")


@pytest.mark.parametrize("language", ["", "fr", "zh", "x" * 300])
def test_one_that_we_have_not_changes_nothing(language):
    alice = a_customer("alice", language="zh-hans")

    assert not choose_language(customer=alice, language=language)
    assert Customer.objects.get().language == "zh-hans"


NUMBER, AT = "+8613800138000", datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_messages_that_are_sent_at_once_do_not_pass_the_cap_together(settings):
    settings.SMS_DAILY_CAP_FEN = 25
    SmsDay.objects.create(day=selectors.sms_day(AT))

    _, *took = at_once([hold_the_day_until_all_wait, *[lambda: reserve_sms(price_fen=5, now=AT)] * 12])

    assert sorted(map(str, took)) == ["None"] * 5 + ["SmsCapReached"] * 7
    assert SmsDay.objects.get().spent_fen == 25


def hold_the_day_until_all_wait():
    """Lock the row until all twelve stand before it, each with whatever it has read by then."""
    with transaction.atomic(), connection.cursor() as cursor:
        SmsDay.objects.select_for_update().get()
        until = time.monotonic() + 60
        waiting = 0
        while waiting < 12 and time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            waiting = cursor.fetchone()[0]
            time.sleep(0.02)
    assert waiting >= 12


@pytest.mark.django_db(transaction=True)
def test_looking_first_and_taking_then_would_pass_it(settings):
    """The twin of the test above: without the one statement the same twelve spend more than the cap."""
    settings.SMS_DAILY_CAP_FEN = 25
    SmsDay.objects.create(day="2026-11-28")
    all_have_looked = threading.Barrier(12)

    def careless():
        day = SmsDay.objects.get()
        all_have_looked.wait(10)
        if day.spent_fen + 5 > 25:
            raise SmsCapReached
        SmsDay.objects.update(spent_fen=F("spent_fen") + 5)

    at_once([careless] * 12)

    assert SmsDay.objects.get().spent_fen == 60


def test_a_day_is_shanghai_s(settings):
    settings.SMS_DAILY_CAP_FEN = 5
    reserve_sms(price_fen=5, now=datetime(2026, 11, 28, 15, 59, tzinfo=UTC))

    with pytest.raises(SmsCapReached):
        reserve_sms(price_fen=5, now=datetime(2026, 11, 28, 15, 59, 59, tzinfo=UTC))
    reserve_sms(price_fen=5, now=datetime(2026, 11, 28, 16, 0, tzinfo=UTC))

    assert [(str(one.day), one.spent_fen) for one in SmsDay.objects.order_by("day")] == [
        ("2026-11-28", 5),
        ("2026-11-29", 5),
    ]


def test_the_row_is_there_before_the_provider_is_asked(settings, monkeypatch):
    seen = []
    monkeypatch.setattr("accounts.sms.console.Console.send", lambda *_: seen.append(SmsMessage.objects.get().outcome))

    with pytest.raises(AttributeError):  # a fault of ours, in the middle of it
        send_code(customer=a_customer("alice"), number=NUMBER, purpose=Purpose.LOGIN, code="1", now=AT)

    assert seen == ["unknown"]
    assert (SmsMessage.objects.get().cost_fen, SmsDay.objects.get().spent_fen) == (5, 5)


@pytest.mark.django_db(transaction=True)
def test_two_who_prove_one_number_at_once_leave_it_on_one_account():
    alice, bob, carol = a_customer("alice"), a_customer("bob"), a_customer("carol", phone=NUMBER, phone_verified_at=AT)

    found = at_once([lambda one=one: keep_phone(customer=one, number=NUMBER, now=AT) for one in (alice, bob)])

    assert found == [None, None]
    assert Customer.objects.filter(phone=NUMBER).count() == 1
    assert selectors.verified_phone(carol) == ""


def test_proving_the_same_number_again_changes_nothing():
    alice = a_customer("alice", phone=NUMBER, phone_verified_at=AT)

    keep_phone(customer=alice, number=NUMBER, now=AT + timedelta(days=1))

    alice.refresh_from_db()
    assert (alice.phone, alice.phone_verified_at) == (NUMBER, AT)


def test_a_number_is_forgotten_once():
    alice = a_customer("alice", phone=NUMBER, phone_verified_at=AT)

    assert (forget_phone(customer=alice), forget_phone(customer=alice)) == (True, False)
    alice.refresh_from_db()
    assert (alice.phone, alice.phone_verified_at) == (None, None)


def test_the_former_holder_is_told_in_their_language():
    bob = a_customer("bob", phone=NUMBER, phone_verified_at=AT, language="zh-hans")

    keep_phone(customer=a_customer("alice"), number=NUMBER, now=AT)
    deliver_outbox(now=utc_now() + timedelta(seconds=1))

    [sent] = mail.outbox
    assert (sent.to, "138****8000" in sent.body, "手机号" in sent.subject) == ([bob.email], True, True)


def a_key(customer, **changes):
    return create_api_key(customer=customer, **{"name": "bot", "scopes": ["read"], "now": NOW, **changes})


def test_a_key_is_used_by_its_text_which_stands_nowhere():
    key, text = a_key(a_customer(), scopes=["tokens", "read"])

    assert use_api_key(text, now=NOW) == key
    assert text.startswith(key.prefix)
    assert len(key.prefix) == 10
    assert key.scopes == ["read", "tokens"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_apikey")
        assert text[10:] not in str(cursor.fetchall())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"scopes": []},
        {"scopes": ["read", "all"]},
        {"expires_at": NOW},
        {"expires_at": NOW - timedelta(1)},
    ],
)
def test_a_key_without_a_name_a_scope_or_time_is_none(changes):
    with pytest.raises(BadApiKeyRequest):
        a_key(a_customer(), **changes)


def test_no_more_than_ten_keys_work_at_once():
    alice = a_customer()
    keys = [a_key(alice)[0] for _ in range(MOST_KEYS)]
    with pytest.raises(TooManyApiKeys):
        a_key(alice)

    revoke_api_key(key=keys[0], now=NOW)

    a_key(alice, expires_at=NOW + timedelta(hours=1))
    with pytest.raises(TooManyApiKeys):
        a_key(alice)
    a_key(alice, now=NOW + timedelta(hours=1))  # the one that ended leaves its place


@pytest.mark.django_db(transaction=True)
def test_two_forms_at_once_do_not_make_an_eleventh(monkeypatch):
    alice, count = a_customer(), selectors.api_keys_of

    def slowly(customer, now):
        found = count(customer, now)
        time.sleep(0.2)  # between looking and making is where others come in
        return found

    monkeypatch.setattr(selectors, "api_keys_of", slowly)
    for _ in range(MOST_KEYS - 1):
        a_key(alice)

    got = at_once([lambda: a_key(alice)[0].pk] * 6)

    assert got.count("TooManyApiKeys") == 5
    assert len(selectors.api_keys_of(alice, NOW)) == MOST_KEYS


def test_what_is_no_key_or_ended_is_refused_by_what_it_is():
    alice = a_customer()
    _, text = a_key(alice, expires_at=NOW + timedelta(days=1))
    key, other = a_key(alice)
    revoke_api_key(key=key, now=NOW, why=" lost ")

    for shown in ("", "tpk_", text[:-1], text + "x", text[:-1] + "é", "tpk_" + "a" * 40):
        with pytest.raises(ApiKeyUnknown):
            use_api_key(shown, now=NOW)
    with pytest.raises(ApiKeyExpired):
        use_api_key(text, now=NOW + timedelta(days=1))
    with pytest.raises(ApiKeyRevoked):
        use_api_key(other, now=NOW)
    assert not revoke_api_key(key=key, now=NOW + timedelta(1), why="again")
    key.refresh_from_db()
    assert (key.revoked_at, key.revoked_why) == (NOW, "lost")
    Customer.objects.update(is_active=False)
    with pytest.raises(AccountInactive):
        use_api_key(text, now=NOW)


def test_a_use_is_noted_once_a_minute_and_asks_once():
    _, text = a_key(a_customer())
    use_api_key(text, now=NOW)

    with CaptureQueriesContext(connection) as queries:
        for seconds in (1, 30, 59):
            use_api_key(text, now=NOW + timedelta(seconds=seconds))
    assert len(queries) == 3
    assert all("SELECT" in one["sql"] for one in queries)
    assert ApiKey.objects.get().last_used_at == NOW

    use_api_key(text, now=NOW + timedelta(seconds=60))
    assert ApiKey.objects.get().last_used_at == NOW + timedelta(seconds=60)


def test_a_key_in_use_survives_a_change_of_the_secret_key(settings):
    _, used = a_key(a_customer())
    _, idle = a_key(Customer.objects.get())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]
    use_api_key(used, now=NOW)
    settings.SECRET_KEY_FALLBACKS = []

    use_api_key(used, now=NOW)

    with pytest.raises(ApiKeyUnknown):
        use_api_key(idle, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_what_is_counted_at_once_is_counted_each_time():
    assert sorted(at_once([lambda: count_once_more("test-count", seconds=60)] * 12)) == list(range(1, 13))
    cache.delete("test-count")
    assert count_once_more("test-count", seconds=60) == 1
