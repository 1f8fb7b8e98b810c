"""Tokens of the panel's own pages: signed for an afternoon, kept nowhere, so that looking writes and costs nothing.

They are not among the tokens that a customer makes, replaces and revokes (billing.services.tokens): no row, a `jti` of
their own, never shown to people. Who is deactivated or has nothing left is refused by the node all the same, as these
stand in the newest entitlement (kernel.access).
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Customer
from billing import selectors
from billing.errors import NoEntitlement
from billing.services import keys
from kernel import tokens
from kernel.scope import Scope, Step
from nodes.models import NodeGroup

LIVES = timedelta(hours=12)  # pages ask for the next one while their session lasts


def viewer_token(*, customer: Customer, group: NodeGroup, now: datetime) -> tuple[str, int]:
    """Return a token for the panel's pages of a customer, and when it expires in epoch seconds.

    Raises:
        NoEntitlement: nothing that was bought on this group holds now or will.
    """
    scope, now_s = selectors.scope(customer, group, now), now.timestamp()
    if scope.at(now_s).max_subs == 0 and scope.next_change_s(now_s) is None:
        raise NoEntitlement("Nothing that was bought on this node group holds any more", group=group.slug)
    return _sign(scope, now)


def guest_token(*, group: str, now: datetime) -> tuple[str, int]:
    """Return a token for whoever looks without an account, who gets TEST.CN alone (kernel.access), and its expiry.

    Args:
        group: slug of the node group whose nodes take it.
    """
    nothing: frozenset[str] = frozenset()
    empty = Step(int(now.timestamp()), 0, 0, nothing, nothing)
    return _sign(Scope(customer=tokens.GUEST, group=group, rev=0, steps=(empty,)), now)


def _sign(scope: Scope, now: datetime) -> tuple[str, int]:
    # Flat and by our own key, whatever tokens the group's nodes want of programs: one that knows no pages refuses it,
    # and does not take a page for a program.
    kid, expires_at_s = keys.signing_key_id(now=now), int((now + LIVES).timestamp())
    text = tokens.issue(
        scope=scope,
        jti=f"v-{secrets.token_urlsafe(16)}",
        issuer=settings.TOKEN_ISSUER,
        now_s=int(now.timestamp()),
        expires_at_s=expires_at_s,
        kid=kid,
        private_key=keys.load_key(kid),
        algorithm=keys.EDDSA,
        viewer=True,
    )
    return text, expires_at_s
