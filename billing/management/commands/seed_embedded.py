"""`manage.py seed_embedded`: what `./dev up` needs in the database, made once and kept right at each start.

Runs before the first worker does, so it delivers the outbox itself. Its one line on stdout is JSON.
"""

import json
import os
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Customer
from billing import selectors
from billing.services import keys
from billing.services.facts import settle_by_hand
from billing.services.plans import seed_plans
from billing.services.purchases import place_purchase
from billing.services.tokens import issue_token
from kernel.clock import utc_now
from nodes.announcements import ENTITLEMENT, REVOCATION
from nodes.models import Node, NodeGroup
from outbox.services.sending import deliver_outbox

DEMO_PLAN = "pack-5"
_HERE_GROUP = {"name": "This machine", "name_zh": "本机"}
_HERE = {"region": "This machine", "region_zh": "本机"}


class Command(BaseCommand):
    help = (
        "Creates plans, the local node, a signing key, a demo buyer with Pack 5 and an admin; prints a token as JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ws-url", required=True, help="where buyers connect, e.g. ws://127.0.0.1:8000/ws/stock")
        parser.add_argument("--health-url", required=True, help="what the poller asks")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.EMBEDDED or settings.DEBUG):
            raise CommandError("seed_embedded makes demo accounts; it runs with TICKPACK_EMBEDDED=1 or DEBUG=1 only.")
        now = utc_now()
        keys.ensure_key(now=now)
        seed_plans()
        node = _local_node(ws_url=options["ws_url"], health_url=options["health_url"], now=now)
        _person("TICKPACK_ADMIN", is_staff=True, is_superuser=True)
        buyer = _person("TICKPACK_DEMO")
        token = _token(buyer, node, now) if buyer is not None else None
        # What the node must know when it starts; mails wait for the worker, who draws receipts for two seconds.
        while deliver_outbox(now=utc_now(), only={ENTITLEMENT, REVOCATION}):  # not `now`: rows were written after it
            pass
        self.stdout.write(json.dumps({"buyer_token": token}))


def _local_node(*, ws_url: str, health_url: str, now: datetime) -> Node:
    group, _ = NodeGroup.objects.get_or_create(slug=settings.NODE_GROUP, defaults=_HERE_GROUP)
    fresh = {"ws_url": ws_url, "health_url": health_url, "last_seen_at": now, "last_error": ""}
    node, _ = Node.objects.update_or_create(
        slug=settings.NODE_ID, defaults=fresh, create_defaults={**fresh, "group": group, **_HERE}
    )
    return node


def _person(prefix: str, **flags: bool) -> Customer | None:
    """Make an account from PREFIX_EMAIL and PREFIX_PASSWORD, or give it that password again."""
    email = os.environ.get(f"{prefix}_EMAIL", "").strip().lower()
    password = os.environ.get(f"{prefix}_PASSWORD", "")
    if not email or not password:
        return None
    person = Customer.objects.filter(email=email).first()
    if person is None:
        person = Customer.objects.create_user(email, password, **flags)
    elif not person.check_password(password):
        person.set_password(password)
        person.save(update_fields=["password"])
    # Nobody reads this mailbox, so the address counts as confirmed.
    EmailAddress.objects.update_or_create(user=person, email=email, defaults={"verified": True, "primary": True})
    return person


def _token(buyer: Customer, node: Node, now: datetime) -> str:
    if selectors.entitlement(buyer, node.group, now).max_subs == 0 and node.state == Node.State.ACTIVE:
        purchase = place_purchase(
            customer=buyer,
            plan=DEMO_PLAN,
            node=node.slug,
            months=1,
            kind="stack",
            extends=None,
            idempotency_key=f"demo-{now.isoformat()}",
            now=now,
        )
        settle_by_hand(purchase=purchase, provider="demo", reference=purchase.public_id, now=now)
    return issue_token(customer=buyer, group=node.group, now=now)
