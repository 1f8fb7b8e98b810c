"""What is kept about people: taken along whole, without secrets; removed whole, and the books agree after it."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client

from accounts.errors import AccountStays, ApiKeyUnknown
from accounts.models import ApiKey, BrowserSession, Customer, SmsMessage
from accounts.services import create_api_key, create_watch_list, personal, use_api_key
from billing import selectors
from billing.errors import TrialRefused
from billing.models import (
    AccessToken,
    BuyerTitle,
    Departure,
    FapiaoRequest,
    GrantClosure,
    LedgerLine,
    Purchase,
    Trial,
    TrialOffer,
)  # fmt: skip
from billing.services import fapiao, purchases, refunds, tokens, trials
from billing.services.books import differences
from nodes.models import UsedHour
from outbox.models import MailRecord, Outbox, SuppressedAddress
from outbox.services.sending import deliver_outbox
from support.services import tickets
from tests.factories import NOW, PASSWORD, a_customer, a_node, a_paid, a_plan, a_purchase, an_attempt, topped_up
from tests.people import keys_dir

__all__ = ["keys_dir"]
pytestmark = [pytest.mark.whole, pytest.mark.django_db]
PHONE, TAX, TITLE = "+8613912345678", "91350100M000100Y43", "Wonderland & Daughters Ltd"
TRACES = (
    "alice@example.com",
    "alice.work@example.org",
    "13912345678",
    "o-alice-at-wechat",
    "Wonderland",
    TAX,
    "203.0.113.77",
)


@pytest.fixture
def alice(keys_dir, settings):
    """A customer with everything there is."""
    settings.SUPPORT_EMAIL, settings.INVITE_PERCENT = "help@shop.example", 10
    alice, node = a_customer("alice", phone=PHONE, phone_verified_at=NOW), a_node(capacity=1000)
    EmailAddress.objects.create(user=alice, email="alice@example.com", verified=True, primary=True)
    EmailAddress.objects.create(user=alice, email="alice.work@example.org", verified=True)
    SocialAccount.objects.create(
        user=alice, provider="weixin", uid="o-alice-at-wechat", extra_data={"nickname": "Wonderland"}
    )
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "SECRETSECRET"})
    create_api_key(customer=alice, name="Wonderland bot", scopes=["read"], now=NOW)
    SmsMessage.objects.create(
        customer=alice, number="139****5678", provider="console", purpose="login", cost_fen=5, sent_at=NOW
    )
    fact = a_paid(alice, node, months=2)
    a_paid(alice, node, kind="extend", extends=fact.purchase.grant.pk)
    tokens.rotate_token(customer=alice, group=node.group, now=NOW)
    topped_up(alice, 1234)
    TrialOffer.objects.create(plan=a_plan(), days=3, price_fen=100)
    Trial.objects.create(customer=alice, purchase=fact.purchase, phone_digest=trials.digest(PHONE), at=NOW)
    waiting = a_purchase(alice, node, months=3, placed_from="203.0.113.77", use_balance=True)
    an_attempt(waiting, shown={"kind": "qr", "text": "Wonderland"})
    BuyerTitle.objects.create(customer=alice, kind="company", title=TITLE, tax_number=TAX, mail="alice@example.com")
    asked = fapiao.ask_fapiao(
        customer=alice,
        orders=[fact.purchase.public_id],
        kind="company",
        title=TITLE,
        tax_number=TAX,
        mail="alice.work@example.org",
        now=NOW,
    )
    fapiao.withdraw_fapiao(request_id=asked.pk, why="Wonderland", now=NOW)
    deliver_outbox(now=NOW + timedelta(days=900))
    SuppressedAddress.objects.create(address="alice.work@example.org", reason="r", since_at=NOW)
    tickets.open_ticket(customer=alice, subject="Wonderland asks", text="call 13912345678", now=NOW)
    create_watch_list(customer=alice, name="Wonderland's", symbols=["600519.SH"], now=NOW)
    tokens.add_token(customer=alice, group=node.group, name="Wonderland laptop", symbols=[], now=NOW)
    UsedHour.objects.create(customer=alice, group=node.group, hour_at=NOW, bars={"600519.SH": 7}, sent=7)
    LogEntry.objects.create(
        user=alice, content_type=ContentType.objects.get_for_model(Customer), object_id=str(alice.pk), action_flag=CHANGE,
        object_repr="alice@example.com", change_message="wrote to alice.work@example.org",
    )  # fmt: skip
    return alice


def delete(alice, **more):
    personal.delete_account(customer=alice, **{"give_up_balance": True, "now": NOW, **more})


def every_text():
    """Yield (table, column, value) of every text in the database."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [one[0] for one in cursor.description]
            for row in cursor.fetchall():
                yield from ((table, name, str(value)) for name, value in zip(names, row, strict=True))


def found(traces):
    return sorted(
        {(table, name) for table, name, value in every_text() if any(one.lower() in value.lower() for one in traces)}
    )


# -- taking along ---------------------------------------------------------------------------------------------------
def taken(alice):
    return zipfile.ZipFile(io.BytesIO(b"".join(personal.export(alice, now=NOW))))


def test_everything_is_in_the_zip_twice(alice):
    archive = taken(alice)

    assert archive.testzip() is None
    names = set(archive.namelist())
    wanted = {
        "profile",
        "email_addresses",
        "api_keys",
        "mails",
        "orders",
        "payments",
        "balance",
        "packs",
        "tokens",
        "fapiao",
        "questions",
        "watch_lists",
        "use_by_hour",
    }
    assert {f"{one}.{kind}" for one in wanted for kind in ("json", "csv")} <= names
    assert json.loads(archive.read("profile.json"))[0]["phone"] == PHONE
    assert [one["kind"] for one in json.loads(archive.read("orders.json"))] == ["stack", "extend", "stack"]
    [question] = csv.DictReader(io.StringIO(archive.read("questions.csv").decode("utf-8-sig")))
    assert question["text"] == "call 13912345678"


def test_no_secret_is_in_it(alice):
    whole = b"".join(taken(alice).read(name) for name in taken(alice).namelist()).decode()
    token = tokens.show_token(customer=alice, group=AccessToken.objects.first().group, now=NOW)

    for secret in (token, alice.password, ApiKey.objects.get().digest, "SECRETSECRET"):
        assert secret
        assert secret not in whole


def test_nobody_else_s_rows_are_in_it(alice):
    bob = a_customer("bob")
    whole = b"".join(taken(bob).read(name) for name in taken(bob).namelist()).decode()

    assert not any(one in whole for one in TRACES)


def test_a_cell_that_begins_like_a_formula_is_none(alice):
    tickets.open_ticket(customer=alice, subject="=1+1", text="@x", now=NOW)
    rows = list(csv.DictReader(io.StringIO(taken(alice).read("questions.csv").decode("utf-8-sig"))))

    assert (rows[-1]["subject"], rows[-1]["text"]) == ("'=1+1", "'@x")


# -- leaving --------------------------------------------------------------------------------------------------------
def test_after_it_the_whole_database_does_not_know_who_it_was(alice):
    assert len(found(TRACES)) > 8

    delete(alice)

    assert found(TRACES) == []
    assert found([alice.public_id])  # money rows and the customer's own: a number that names nobody


def test_money_stays_and_the_books_agree(alice):
    before = Purchase.objects.count()

    delete(alice)

    assert Purchase.objects.filter(customer=alice).count() == before
    assert list(differences(now=NOW)) == []
    assert selectors.balance_fen(alice) == 0
    row = Departure.objects.get()
    assert (row.customer, row.given_up_fen, row.grants_ended) == (alice, 1234, 2)
    assert sum(LedgerLine.objects.filter(account__code="revenue").values_list("amount_fen", flat=True)) == -1234


def test_all_that_she_had_ends_at_once(alice):
    client = Client()
    client.force_login(alice)
    client.get("/mails/")
    assert BrowserSession.objects.count() == 1

    delete(alice)

    assert client.get("/mails/").status_code == 302
    assert not AccessToken.objects.filter(revoked_at=None).exists()
    assert GrantClosure.objects.count() == 2
    group = AccessToken.objects.first().group
    assert selectors.entitlement(alice, group, NOW + timedelta(seconds=1)).max_subs == 0
    assert Purchase.objects.get(pk=Purchase.objects.latest("pk").pk).state == "cancelled"
    row = Customer.objects.get(pk=alice.pk)
    assert (row.is_active, row.has_usable_password(), row.phone) == (False, False, None)
    assert Outbox.objects.filter(kind="token_revoked").count() == 0  # no mail to somebody who is gone
    assert not MailRecord.objects.exclude(to="").exists()


def test_her_keys_open_nothing(alice):
    _, text = create_api_key(customer=alice, name="other", scopes=["read"], now=NOW)
    delete(alice)

    with pytest.raises(ApiKeyUnknown):
        use_api_key(text, now=NOW)


def test_money_is_given_up_in_words_alone(alice):
    with pytest.raises(AccountStays):
        delete(alice, give_up_balance=False)

    assert Customer.objects.get(pk=alice.pk).is_active
    assert found(["alice.work@example.org"])


def test_a_refund_under_way_stands_in_the_way(alice):
    payment = Purchase.objects.filter(kind="stack", state="settled").first().facts.get()
    refunds.ask_refund(
        payment_id=payment.pk, amount_fen=1, fault="seller", effect="keep", by=a_customer("staff"), now=NOW, reason="r"
    )

    with pytest.raises(AccountStays) as refused:
        delete(alice)

    assert "refund" in refused.value.fields["why"][0]
    assert found(["alice@example.com"])


def test_a_fapiao_that_waits_stands_in_the_way_and_an_issued_one_stays(alice):
    order = Purchase.objects.filter(kind="stack", state="settled").first()
    asked = fapiao.ask_fapiao(
        customer=alice,
        orders=[order.public_id],
        kind="company",
        title=TITLE,
        tax_number=TAX,
        mail="alice@example.com",
        now=NOW,
    )
    with pytest.raises(AccountStays, match="settled"):
        delete(alice)
    FapiaoRequest.objects.filter(pk=asked.pk).update(
        state="issued", issued_at=NOW, fapiao_number="25312000000000000001"
    )

    delete(alice)

    asked.refresh_from_db()
    assert (asked.title, asked.tax_number, asked.mail) == (TITLE, TAX, "")


def test_what_is_lost_is_said_first(alice):
    said = personal.leaving(alice, now=NOW)

    assert said.balance_fen == 1234
    assert any("days are left" in text for text in said.losses)
    assert any("is cancelled" in text for text in said.losses)
    assert said.obstacles == []


def test_staff_do_not_leave_by_themselves(db):
    with pytest.raises(AccountStays):
        delete(a_customer("staff", is_staff=True))


def test_the_same_address_signs_up_anew_and_has_no_second_trial(alice):
    delete(alice)
    anew = a_customer("alice")

    with pytest.raises(TrialRefused):
        trials.offer_for(anew, a_plan())
    other = a_customer("other", phone=PHONE, phone_verified_at=NOW)
    with pytest.raises(TrialRefused):
        trials.offer_for(other, a_plan())
    assert trials.offer_for(a_customer("carol"), a_plan())[1] == 100
    assert purchases.place_purchase(
        customer=anew, plan="pack-5", node="sh-1", months=1, kind="stack", extends=None, idempotency_key="k", now=NOW
    )


def test_twice_is_refused_and_changes_nothing(alice):
    delete(alice)
    anew = Customer.objects.get(pk=alice.pk)

    with pytest.raises(Exception, match=r"."):
        delete(anew)
    assert Departure.objects.count() == 1
    assert PASSWORD
