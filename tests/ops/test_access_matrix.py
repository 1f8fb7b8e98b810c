"""Who gets in where: every route of the panel, by the URL resolver, for everybody there is, with real objects.

The tables are written by hand. A route, a model or a verb without a row fails; so does one that opens to somebody else.
"""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from accounts import captcha
from accounts.services import change_watch_list, create_api_key, create_watch_list
from billing.admin.verbs import Office
from billing.models import FapiaoFile, Plan, Suspense
from billing.services import fapiao, gift_codes, gifts, invitations, prepayments, refunds, tokens, transfers
from billing.services.books import check_books
from billing.services.facts import record
from config.staff_roles import prepare_roles
from content.models import ShopDetails, TextVersion
from content.services import announcing, texts
from kernel.clock import utc_now
from outbox.models import MailRecord, SuppressedAddress
from support.services import tickets
from tests.factories import a_customer, a_fact, a_grant, a_node, a_paid, a_purchase, an_attempt, pay
from tests.ops.access_tables import ADMIN_ROUTES, MODELS, PEOPLE, ROUTES, VERBS

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
PREPAID: dict[str, str] = {}  # what the pages of prepayments take
HELP: dict[str, str] = {}  # and those of questions
STAFF = ("support", "finance", "operator", "owner")


@pytest.fixture
def world(keys_dir, settings):
    """alice's things, and one browser for each of PEOPLE."""
    settings.PAYMENT_GATEWAYS = ["sandbox", "transfer"]
    settings.TRANSFER_ACCOUNT_NAME, settings.TRANSFER_ACCOUNT_NUMBER, settings.TRANSFER_BANK = "Shop", "6222", "ICBC"
    settings.ONE_PERSON_SHOP = False
    prepare_roles()
    now, alice, root = utc_now(), a_customer("alice"), a_customer("root", is_staff=True, is_superuser=True)
    node = a_node(last_seen_at=now, capacity=1000)
    fact = a_paid(alice, node, at=now)
    waiting = a_purchase(alice, node, at=now, months=2)
    attempt = an_attempt(waiting, at=now, shown={"kind": "qr", "text": "https://pay.example/1"})
    by_bank = an_attempt(waiting, at=now, gateway="transfer")
    record(a_fact(attempt, order_no="WHO", at=now), source="notice", now=now)
    asked = {"fault": "seller", "effect": "keep", "by": root, "now": now, "reason": "r"}
    refund = refunds.ask_refund(payment_id=fact.pk, amount_fen=1, **asked)
    transfer = transfers.note_transfer(
        order_no=by_bank.order_no, reference="ICBC 1", amount_fen=1, came_at=now, by=root, now=now
    )
    other = a_grant(alice, a_node("sh-2", last_seen_at=now), at=now)
    compensation, _ = gifts.compensate(key="k", hours=1, reason="r", by=root, now=now, node=other.purchase.node)
    api_key, _ = create_api_key(customer=alice, name="bot", scopes=["read"], now=now)
    watched = create_watch_list(customer=alice, name="Banks", symbols=["600036.SH"], now=now)
    watched = change_watch_list(pk=watched.pk, asked={"shared": True}, now=now)
    tokens.rotate_token(customer=alice, group=node.group, now=now)
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    Authenticator.objects.create(user=alice, type="recovery_codes", data={"seed": "x", "used_mask": 0})
    check_books(now=now)
    settings.INVITE_PERCENT = 10
    topup = prepayments.place_top_up(customer=alice, amount_fen=5000, idempotency_key="t", now=now)
    by_qr = an_attempt(topup, at=now, shown={"kind": "qr", "text": "https://pay.example/2"})
    pay(prepayments.place_gift(customer=alice, plan="pack-5", months=1, idempotency_key="g", now=now), at=now)
    batch = gift_codes.make_batch(
        name="b", plan=Plan.objects.get(slug="pack-5"), months=1, count=1, expires_at=now + timedelta(days=9),
        reason="r", by=root, now=now,
    )  # fmt: skip
    asked = fapiao.ask_fapiao(
        customer=alice, orders=[fact.purchase.public_id], kind="person", title="Alice", tax_number="", mail="", now=now
    )
    FapiaoFile.objects.create(request=asked, name="fapiao.pdf", content_type="application/pdf", body=b"%PDF-1")
    question = tickets.open_ticket(customer=alice, subject="s", text="t", now=now)
    mail = MailRecord.objects.filter(customer=alice).first()
    gone = SuppressedAddress.objects.create(address="gone@example.com", reason="r", since_at=now)
    announced = announcing.announce(
        kind="incident", title_en="t", title_zh="t", text_en="t", text_zh="t", by=root, now=now
    ).announcement
    for words in ("older", "newer"):
        texts.write(page="terms", body_en=words, body_zh=words, checked=True, note="", by=root, now=now)
    people = {"anonymous": None, "mallory": a_customer("mallory"), "alice": alice}
    for name in STAFF:
        people[name] = a_customer(name, is_staff=True)
        people[name].groups.add(Group.objects.get(name=name))
    clients = {}
    for name, person in people.items():
        clients[name] = Client()
        if person is not None:
            clients[name].force_login(person)
    rows = {
        "billing.purchase": waiting, "billing.paymentfact": fact, "billing.suspense": Suspense.objects.get(),
        "billing.refund": refund, "billing.banktransfer": transfer, "billing.grant": fact.purchase.grant,
        "billing.compensation": compensation, "accounts.customer": alice, "billing.prepayment": topup,
        "billing.giftbatch": batch, "billing.giftcode": batch.codes.get(), "billing.fapiaorequest": asked,
        "content.announcement": announced, "content.shopdetails": ShopDetails.objects.create(company="Shop"),
        "outbox.mailrecord": mail, "outbox.suppressedaddress": gone, "accounts.apikey": api_key,
        "support.ticket": question, "content.textversion": TextVersion.objects.last(),
    }  # fmt: skip
    arguments = {
        "code": invitations.code_of(alice), "public_id": waiting.public_id, "order_no": attempt.order_no, "group": node.group.slug, "language": "native",
        "order": "no-signed-order", "provider": "sandbox", "key": "x", "uidb36": "1", "app_label": "billing",
        "content_type_id": 1, "object_id": 1, "question": captcha.new_question(), "number": asked.number,
        "order_id": waiting.public_id, "grant": other.pk, "pk": api_key.pk, "rest": "nothing", "name": "protocol",
        "list_id": watched.public_id, "share": watched.share_code,
    }  # fmt: skip
    HELP.update(number=question.number)
    PREPAID.update(public_id=topup.public_id, order_no=by_qr.order_no)
    return clients, rows, arguments


def outcome(client, method, address, **form):
    """What somebody gets: + in, x refused, l sent to log in, 0 not found, m no such method. Nothing of it stays."""
    cache.clear()
    point = transaction.savepoint()
    session = client.cookies.copy()
    answer = client.get(address) if method == "GET" else client.post(address, form)
    transaction.savepoint_rollback(point)
    client.cookies = session
    status, location = answer.status_code, answer.headers.get("location", "")
    if status in (301, 302) and "/login/" in location:
        return "l"
    assert status < 500, (method, address, status)
    return {403: "x", 401: "x", 404: "0", 405: "m"}.get(status, "+")


def everybody(clients, method, address, **form):
    return "".join(outcome(clients[name], method, address, **form) for name in PEOPLE)


def routes(resolver=None, inside=""):
    """Every route of the panel: (its urls module, its name, what it takes)."""
    for one in (resolver or get_resolver()).url_patterns:
        if hasattr(one, "url_patterns"):
            module = str(getattr(one.urlconf_name, "__name__", one.app_name or ""))
            if module != "streaming.urls":
                yield from routes(one, module or inside)
        else:
            yield inside, one.name, tuple(one.pattern.converters) or tuple(one.pattern.regex.groupindex)


def is_of_a_model(name):
    own = ("_revenue", "_reported", "_committed")
    return any(name.startswith(f"{label.replace('.', '_')}_") for label in MODELS) and not name.endswith(own)


def test_every_route_opens_to_whom_its_row_says(world):
    clients, _rows, arguments = world
    table = ROUTES | ADMIN_ROUTES
    found, differs = set(), {}
    for inside, name, takes in routes():
        if name is None or (inside == "admin" and is_of_a_model(name)):
            continue  # an older address that redirects to its successor, and what the next tests walk
        found.add(name)
        label = f"admin:{name}" if inside == "admin" else name
        given = {**arguments, **PREPAID} if str(name).startswith("prepayment") else arguments
        given = {**given, "key": MailRecord.objects.first().key} if name == "mails-stop" else given
        given = {**given, **HELP} if str(name).startswith("help-") else given
        address = reverse(label, kwargs={key: given[key] for key in takes})
        got = (everybody(clients, "GET", address), everybody(clients, "POST", address))
        if got != table.get(name):
            differs[name] = got

    assert differs == {}
    assert set(table) - found == set()


def test_every_page_of_every_model_opens_to_whom_its_row_says(world):
    clients, rows, _arguments = world
    differs = {}
    for model in admin.site._registry:
        label = model._meta.label_lower
        row = rows.get(label) or model._default_manager.order_by("pk").first()
        name, pk = f"admin:{label.replace('.', '_')}", row.pk if row is not None else 0
        pages = {
            "view": ("GET", reverse(f"{name}_changelist")),
            "see": ("GET", reverse(f"{name}_change", args=[pk])),
            "add": ("POST", reverse(f"{name}_add")),
            "change": ("POST", reverse(f"{name}_change", args=[pk])),
            "delete": ("POST", reverse(f"{name}_delete", args=[pk])),
        }
        got = {page: everybody(clients, *ask) for page, ask in pages.items()}
        assert {opened[:3] for opened in got.values()} == {"lll"}, label  # no buyer sees a page of it
        assert got["see"] == got["view"], label
        who = tuple(_who(got[page]) for page in ("view", "add", "change", "delete"))
        if who != MODELS.get(label):
            differs[label] = who

    assert differs == {}
    assert set(MODELS) == {model._meta.label_lower for model in admin.site._registry}


def test_every_verb_opens_to_whom_its_row_says(world):
    clients, rows, _arguments = world
    differs, found = {}, set()
    for model, site in admin.site._registry.items():
        for verb in site.verbs if isinstance(site, Office) else ():
            label = f"{model._meta.model_name}.{verb.name}"
            found.add(label)
            row = rows.get(model._meta.label_lower)
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            of_row = reverse(f"{name}_row_verb", args=[row.pk, verb.name]) if row is not None else None
            address = of_row if verb.of_a_row else reverse(f"{name}_verb", args=[verb.name])
            got, sent = everybody(clients, "GET", address), everybody(clients, "POST", address)
            assert got == sent, label
            assert got[:3] == "lll", label
            if _who(got) != VERBS.get(label):
                differs[label] = _who(got)

    assert differs == {}
    assert set(VERBS) == found


def test_alice_s_things_are_alice_s(world):
    clients, _rows, _arguments = world
    assert "ICBC" not in clients["mallory"].get("/dashboard/").text
    assert clients["mallory"].get("/api/purchases").json()["purchases"] == []
    assert len(clients["alice"].get("/api/purchases").json()["purchases"]) > 1


def _who(opened):
    """Return which of the staff got in, by their letters."""
    return "".join(letter for letter, got in zip("sfow", opened[3:], strict=True) if got == "+")
