"""A day of a shop for `./dev soak money`: buyers, three gateways on loopback, and what goes wrong. Run by money.py."""

import json
import os
import random
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.soak.money_shop import Shop
from config.embedded.children import free_port
from tests.emulators import stripe as stripe_emulator
from tests.emulators.alipay import AlipayEmulator
from tests.emulators.wechat import WechatEmulator

BUYERS_AT_ONCE, POSTERS = 4, 6
FORGED, WRONG, SECOND, LOST, LATE = 0.05, 0.02, 0.01, 0.03, 0.10
SETTLE_S = 180.0


@dataclass
class Told:
    """A notice on its way: how to make it, when it is due, and whether it is genuine."""

    due: float
    url: str
    make: Any  # () -> headers, body
    genuine: bool
    right: Any  # (status, body) -> bool: the provider need not repeat it


@dataclass
class Day:
    """What happens in a day, and what came of it."""

    payments: int
    kills: int
    random: random.Random
    queue: list[Told] = field(default_factory=list)
    late: list[Told] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    due: set[str] = field(default_factory=set)  # orders that were paid rightly
    counts: Counter[str] = field(default_factory=Counter)
    selling: bool = True


def main(payments: int, kills: int, seed: int) -> dict[str, float]:
    """Let a day pass; return the figures."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    alipay, wechat = AlipayEmulator(seed=seed).start(), WechatEmulator(seed=seed).start()
    account = stripe_emulator.Stripe()
    var = Path(os.environ["TICKPACK_VAR"])
    with stripe_emulator.serving(account):
        os.environ |= _settings(url, alipay, wechat, account, var)
        import django

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        shop = Shop(port, var)
        day = Day(payments, kills, random.Random(seed))
        try:
            shop.start()
            return _live(day, shop, {"alipay": alipay, "wechat": wechat, "stripe": account})
        finally:
            shop.stop()
            alipay.stop()
            wechat.stop()


def _settings(url: str, alipay: Any, wechat: Any, account: Any, var: Path) -> dict[str, str]:
    (var / "wechat.pem").write_text(wechat.public_key)
    return {
        "PANEL_URL": url,
        "PAYMENT_GATEWAYS": "alipay,wechat,stripe",
        "ALIPAY_URL": alipay.gateway,
        "ALIPAY_APP_ID": alipay.app_id,
        "ALIPAY_SELLER_ID": alipay.seller_id,
        "ALIPAY_PRIVATE_KEY": alipay.merchant_private_key,
        "ALIPAY_PUBLIC_KEY": alipay.public_key,
        "WECHAT_URL": wechat.url,
        "WECHAT_MCH_ID": wechat.mch_id,
        "WECHAT_APP_ID": wechat.app_id,
        "WECHAT_SERIAL": wechat.merchant_serial,
        "WECHAT_PRIVATE_KEY": wechat.merchant_private_key,
        "WECHAT_API_V3_KEY": wechat.api_key,
        "WECHAT_PUBLIC_KEYS": f"{wechat.public_key_id}={var / 'wechat.pem'}",
        "WECHAT_METHODS": "native,h5",
        "STRIPE_URL": account.url,
        "STRIPE_SECRET_KEY": account.key,
        "STRIPE_WEBHOOK_SECRETS": account.secret,
    }


def _live(day: Day, shop: Shop, gateways: dict[str, Any]) -> dict[str, float]:
    customers, node = _people(day.payments)
    began = time.monotonic()
    posters = [threading.Thread(target=_post_forever, args=(day,), daemon=True) for _ in range(POSTERS)]
    seen = threading.Thread(target=_keep_seen, args=(day, node), daemon=True)
    killer = threading.Thread(target=_kill, args=(day, shop), daemon=True)
    for thread in (*posters, seen, killer):
        thread.start()
    with ThreadPoolExecutor(BUYERS_AT_ONCE) as pool:
        list(pool.map(lambda nth: _buy(day, nth, customers[nth % len(customers)], node, gateways), range(day.payments)))
    while day.counts["kills"] < day.kills:
        time.sleep(0.2)
    sold_s = time.monotonic() - began
    with day.lock:
        day.queue += day.late  # a day late
        day.late.clear()
    while day.queue or day.counts["posting"]:
        time.sleep(0.1)
    settled_s = _wait_until_settled(shop, gateways)
    day.selling = False
    return {"sold for s": round(sold_s, 1), "books agree after s": round(settled_s, 1), **_figures(day, gateways)}


def _people(payments: int) -> tuple[list[Any], Any]:
    from accounts.models import Customer
    from billing.services.purchases import ORDERS_AN_HOUR
    from kernel.clock import utc_now
    from nodes.models import Node, NodeGroup

    count = payments // (ORDERS_AN_HOUR - 4) + 5
    customers = Customer.objects.bulk_create([Customer(email=f"buyer-{nth}@soak.example") for nth in range(count)])
    group = NodeGroup.objects.create(slug="soak", name="Soak")
    node = Node.objects.create(
        slug="soak-1", group=group, region="here", ws_url="wss://soak.example/ws/stock", capacity=10**6,
        health_url="http://127.0.0.1:1/healthz", last_seen_at=utc_now(),
    )  # fmt: skip
    return customers, node


def _keep_seen(day: Day, node: Any) -> None:
    from kernel.clock import utc_now
    from nodes.models import Node

    while day.selling:
        Node.objects.filter(pk=node.pk).update(last_seen_at=utc_now())
        time.sleep(2)


def _kill(day: Day, shop: Shop) -> None:
    """Kill web or worker again and again, spread over the orders that come."""
    while day.counts["kills"] < day.kills and day.selling:
        if day.counts["payments"] < day.payments * (day.counts["kills"] + 0.5) / day.kills:
            time.sleep(0.1)
            continue
        shop.kill(day.random.choice(["web", "web", "worker"]))
        day.counts["kills"] += 1
        shop.look()
        print(f"{day.counts['payments']} payments, {day.counts['notices']} notices", file=sys.stderr, flush=True)


def _buy(day: Day, nth: int, customer: Any, node: Any, gateways: dict[str, Any]) -> None:
    from billing.services import attempts, purchases
    from kernel.clock import utc_now

    chance = random.Random(f"{day.random.random()}-{nth}")
    purchase = purchases.place_purchase(
        customer=customer, plan=chance.choice(["pack-5", "pack-15", "pack-50"]), node=node.slug, months=1, kind="stack",
        extends=None, idempotency_key=uuid.uuid4().hex, now=utc_now(),
    )  # fmt: skip
    names = chance.sample(sorted(gateways), 2 if chance.random() < SECOND else 1)
    wrong = chance.random() < WRONG
    for name in names:
        attempt, _ = attempts.start_attempt(
            order=purchase, gateway_name=name, method="page" if name == "stripe" else "qr", now=utc_now(),
            client_ip="127.0.0.1",
        )  # fmt: skip
        attempt.refresh_from_db()
        notices = _pay(
            gateways[name], name, attempt, wrong=wrong, url=f"{os.environ['PANEL_URL']}/payments/{name}/notify"
        )
        _tell(day, chance, notices)
    if not wrong:
        with day.lock:
            day.due.add(purchase.public_id)
    day.counts["payments"] += len(names)


def _pay(gateway: Any, name: str, attempt: Any, *, wrong: bool, url: str) -> tuple[Told, Told]:
    """Pay an attempt at its gateway; return the notice of it, and a forged one."""
    if name == "stripe":
        amount = attempt.due_fen - 100 if wrong else None
        event = gateway.pay(attempt.kept, amount=amount)
        stolen = "whsec_of_somebody_else"

        def fine(status: int, _body: bytes) -> bool:
            return 200 <= status < 300

        return (
            Told(0, url, lambda: gateway.signed(event), True, fine),
            Told(0, url, lambda: gateway.signed(event, secret=stolen), False, fine),
        )
    if wrong:
        trade = gateway.trades[attempt.order_no]
        if name == "alipay":
            trade.total_fen -= 100
        else:
            trade.told["amount"]["total"] -= 100
    with gateway.lock:
        before = len(gateway.notices)
        if name == "wechat":
            gateway.hostile[attempt.order_no] = "forged"
        trade = gateway.pay(attempt.order_no)
        made = gateway.notices[before:]
        for one in made:
            one.done = True  # sent by the day, not by the emulator
    if name == "wechat":
        forged, honest = made[0].make, made[-1].make
    else:
        honest = made[-1].make
        fields = gateway.fields(trade, gmt_payment=time.strftime("%Y-%m-%d %H:%M:%S"))
        body = gateway.form(fields, key=gateway.stranger)

        def forged() -> tuple[dict[str, str], bytes]:
            return honest()[0], body

    return Told(0, url, honest, True, gateway.is_right), Told(0, url, forged, False, gateway.is_right)


def _tell(day: Day, chance: random.Random, notices: tuple[Told, Told]) -> None:
    honest, forged = notices
    now = time.monotonic()
    told = []
    if chance.random() >= LOST:  # else it is found by asking
        told = [
            Told(now + chance.uniform(0, 20), honest.url, honest.make, True, honest.right)
            for _ in range(chance.randint(1, 8))
        ]
    if chance.random() < FORGED:
        told.append(Told(now + chance.uniform(0, 5), forged.url, forged.make, False, forged.right))
    with day.lock:
        (day.late if chance.random() < LATE else day.queue).extend(told)


def _post_forever(day: Day) -> None:
    with httpx.Client(timeout=10, trust_env=False) as client:
        while day.selling:
            told = _next(day)
            if told is None:
                time.sleep(0.05)
                continue
            try:
                _post(day, client, told)
            finally:
                with day.lock:
                    day.counts["posting"] -= 1


def _next(day: Day) -> Told | None:
    now = time.monotonic()
    with day.lock:
        for at, told in enumerate(day.queue):
            if told.due <= now:
                day.counts["posting"] += 1
                return day.queue.pop(at)
    return None


def _post(day: Day, client: httpx.Client, told: Told) -> None:
    headers, body = told.make()
    try:
        answer = client.post(told.url, headers=headers, content=body)
    except httpx.HTTPError:
        answer = None
    if told.genuine and (answer is None or answer.status_code >= 500):
        told.due = time.monotonic() + 2  # as a provider does: again
        with day.lock:
            day.queue.append(told)
        return
    if answer is None:
        return
    day.counts["notices"] += 1
    right = told.right(answer.status_code, answer.content)
    if told.genuine and not right:
        day.counts["genuine refused"] += 1
        print(f"refused: {told.url} {answer.status_code} {answer.content[:120]!r}", file=sys.stderr)
    if not told.genuine and right:
        day.counts["forged believed"] += 1


def _wait_until_settled(shop: Shop, gateways: dict[str, Any]) -> float:
    """Wait until the books agree with themselves and with each gateway's own list; return for how long."""
    from billing.services import books
    from kernel.clock import utc_now

    began = time.monotonic()
    while time.monotonic() - began < SETTLE_S:
        shop.look()
        for name in ("alipay", "wechat"):
            gateways[name].work()
            gateways[name].deliver()
        if not _disagreement(gateways) and not books.differences(now=utc_now()):
            break
        time.sleep(1)
    return time.monotonic() - began


def _truth(gateways: dict[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    """Return what gateways took and gave back, by provider:number."""
    taken = {f"stripe:{number}": fen for number, fen in gateways["stripe"].taken.items()}
    back = {
        f"stripe:{gateways['stripe'].refunds[number]['metadata']['refund_no']}": fen
        for number, fen in gateways["stripe"].given_back.items()
    }
    for name in ("alipay", "wechat"):
        for moved in list(gateways[name].ground_truth):
            (taken if moved.kind == "paid" else back)[f"{name}:{moved.number}"] = moved.amount_fen
    return taken, back


def _booked() -> tuple[dict[str, int], dict[str, int]]:
    from billing.models import PaymentFact

    rows = PaymentFact.objects.values_list("provider", "kind", "reference", "amount_fen")
    taken = {f"{provider}:{number}": fen for provider, kind, number, fen in rows if kind == "paid"}
    back = {f"{provider}:{number}": fen for provider, kind, number, fen in rows if kind == "refunded"}
    return taken, back


def _disagreement(gateways: dict[str, Any]) -> bool:
    from billing.models import Refund

    waiting = Refund.objects.exclude(state__in=["done", "withdrawn"]).exists()
    return waiting or _truth(gateways) != _booked()


def _figures(day: Day, gateways: dict[str, Any]) -> dict[str, float]:
    from django.db.models import Count

    from billing.models import Grant, LedgerLine, PaymentFact, Purchase
    from billing.services import books
    from kernel.clock import utc_now

    (taken, back), (booked, booked_back) = _truth(gateways), _booked()
    settled = set(Purchase.objects.filter(state="settled").values_list("public_id", flat=True))
    paid = Purchase.objects.filter(facts__kind="paid", facts__outcome="settled")
    twice = paid.annotate(times=Count("facts")).filter(times__gt=1)
    entries = PaymentFact.objects.filter(kind="paid").count()
    return {
        "payments": day.counts["payments"],
        "notices": day.counts["notices"],
        "kills": day.counts["kills"],
        "taken CNY": sum(taken.values()) / 100,
        "paid back CNY": sum(back.values()) / 100,
        "lost fen": sum(fen for number, fen in taken.items() if booked.get(number) != fen),
        "doubled fen": sum(booked.values()) - sum(taken.values()),
        "refunds that differ fen": sum(back.values()) - sum(booked_back.values()),
        "orders that should have been settled": len(day.due - settled),
        "orders settled without their money": len(settled - day.due),
        "grants without a settled order": Grant.objects.exclude(purchase__state="settled").count() + twice.count(),
        "differences in the books": len(books.differences(now=utc_now())),
        "notices refused that were genuine": day.counts["genuine refused"],
        "forged notices believed": day.counts["forged believed"],
        "ledger lines": LedgerLine.objects.count(),
        "facts": entries,
    }


if __name__ == "__main__":
    print(json.dumps(main(*(int(word) for word in sys.argv[1:4]))))
