"""What an operator and a buyer do with a new deployment, in the order in which they would."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.accounts.totp import totp
from tests.deployment.stack import Stack
from tests.deployment.visitor import Visitor

PASSWORD = "correct-horse-battery"
# An operator settles by hand what was paid by other ways: there is no gateway for real money yet.
_SETTLE = """
from billing.models import Purchase
from billing.services.settling import settle_purchase
from kernel.clock import utc_now
one = Purchase.objects.get(public_id={order!r})
print(json.dumps(settle_purchase(purchase_id=one.pk, paid_fen=one.due_fen, now=utc_now()).pk))
"""


def wait_for(answer: Callable[[], Any], seconds: float = 90) -> Any:
    """Return the first answer that is something; exceptions of a store that is away are no answer."""
    deadline = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < deadline, f"nothing came within {seconds} s"
        time.sleep(0.1)
    return found


def confirm(visitor: Visitor, address: str, stack: Stack) -> None:
    """Click what the mail says."""
    link = stack.mailbox.link_for(address)
    assert link.startswith(f"{visitor.base}/accounts/confirm-email/"), link
    assert visitor.submit(link.removeprefix(visitor.base)).status_code == 302


def sign_in(visitor: Visitor, address: str, password: str = PASSWORD) -> Any:
    return visitor.submit("/accounts/login/", login=address, password=password)


def set_up_second_factor(admin: Visitor) -> None:
    """Do what the admin leads to: confirm the password, scan the code, type what the app shows, and again to be let in."""
    activate = admin.get("/admin/").headers["location"]
    confirm = admin.get(activate).headers["location"]
    assert admin.submit(confirm, password=PASSWORD).status_code == 302
    page = admin.get(activate).text
    secret = re.search(r'data-testid="totp-secret">([A-Z2-7]+)<', page)
    assert secret is not None, page
    # Of the page that is open: each time it is opened it has another secret.
    assert admin.send(page, activate, code=totp(secret[1], time.time())).status_code == 302
    prove = admin.get("/admin/").headers["location"]
    assert admin.submit(prove, code=totp(secret[1], time.time())).status_code == 302
    assert admin.get("/admin/").status_code == 200


class Operator:
    """Who has the machine: `docker compose exec web`, and the admin's pages."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def set_up_the_node(self) -> None:
        stack, address = self._stack, "admin@shop.example"
        made = {"DJANGO_SUPERUSER_EMAIL": address, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        stack.manage("web", "createsuperuser", "--noinput", **made)
        with Visitor(stack, "127.0.0.9") as admin:
            sign_in(admin, address)
            confirm(admin, address, stack)
            assert sign_in(admin, address).status_code == 302
            set_up_second_factor(admin)
            self._add_node(admin)

    def _add_node(self, admin: Visitor) -> None:
        said, pages = self._stack.compose.environment("node"), "/admin/nodes"
        assert admin.submit(f"{pages}/nodegroup/add/", slug=said["NODE_GROUP"], name="Main").status_code == 302
        group = admin.choice(f"{pages}/node/add/", "group", "Main")
        added = admin.submit(
            f"{pages}/node/add/", slug=said["NODE_ID"], group=group, region="Here",
            ws_url=f"wss{admin.base.removeprefix('https')}/ws/stock",
            health_url=f"http://127.0.0.1:{self._stack.port['node']}/healthz",
        )  # fmt: skip
        assert added.status_code == 302, _complaints(added.text)


class Buyer(Visitor):
    """Signs up, confirms the address, orders; has `token` once the purchase is settled."""

    def __init__(self, stack: Stack, address: str) -> None:
        super().__init__(stack, address)
        self.email, self._stack = f"{uuid.uuid4().hex[:8]}@buyer.example", stack
        assert self.submit("/accounts/signup/", email=self.email, password1=PASSWORD).status_code == 302
        confirm(self, self.email, stack)
        assert sign_in(self, self.email).status_code == 302

    def buy(self, plan: str = "pack-5") -> str:
        """Order and pay; return the token that the purchase's page shows."""
        choice = f"/subscribe/?plan={plan}&months=1&node=node-1"
        wait_for(lambda: 'name="kind"' in self.get(choice).text, 40)  # the poller has to have seen the node
        ordered = self.submit(choice, "/subscribe/", plan=plan, months="1", node="node-1", kind="stack")
        page = ordered.headers["location"]
        self._stack.run_in("control", _SETTLE.format(order=page.split("/")[-2]))
        return wait_for(lambda: _shown(self.get(page).text, "token"))


def _shown(page: str, name: str) -> str:
    _, _, behind = page.partition(f'data-testid="{name}"')
    return behind.partition(">")[2].partition("<")[0].strip()


def _complaints(page: str) -> list[str]:
    return re.findall(r'<ul class="errorlist.*?</ul>', page, re.DOTALL)
