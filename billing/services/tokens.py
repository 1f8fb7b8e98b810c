"""Hands out, replaces and ends tokens. A token's text is nowhere at rest: it is signed again whenever it is shown.

A customer may have several on a group, each with a name and, if wanted, with the only symbols that it follows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Customer
from billing import announcements, selectors
from billing.errors import BadTokenRequest, NoEntitlement, TokenGone, TooManyTokens
from billing.models import AccessToken
from billing.services import keys
from kernel import tokens
from kernel.instruments import InstrumentId
from kernel.scope import Scope
from nodes.models import Node, NodeGroup

OUTLIVES_GRANT = timedelta(days=400)  # a renewal within a year must not break a running program
OLD_WORKS = timedelta(hours=24)
MOST_WORKING = 5  # of a customer on a group: each rotation leaves one behind that works for another day
MOST_SYMBOLS = 50  # of a token that has a list of its own; more would make its text too long for a header
MOST_NAME = 40
MOST_A_DAY = 50  # a revocation is kept for as long as its token could be shown, 430 days of a new one


@transaction.atomic
def issue_token(*, customer: Customer, group: NodeGroup, now: datetime) -> str:
    """Return the customer's token for a group, signed with what holds now; the first call makes it.

    Raises:
        NoEntitlement: nothing was ever bought on this group.
        TooManyTokens: so many were made and revoked today.
    """
    return _sign(ensure_token(customer=customer, group=group, now=now), now)


def show_token(*, customer: Customer, group: NodeGroup, now: datetime) -> str | None:
    """Return the current token, signed with what holds now; None where there is none. Locks and writes nothing."""
    token = selectors.current_token(customer, group)
    return _sign(token, now) if token is not None else None


@transaction.atomic
def ensure_token(*, customer: Customer, group: NodeGroup, now: datetime) -> AccessToken:
    """Return the customer's current token for a group, as a row, making it where there is none.

    Its expiry covers what has been bought since: called wherever somebody is given more.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    return extend_token(customer=customer, group=group) or _create(customer, group, now)


def extend_token(*, customer: Customer, group: NodeGroup) -> AccessToken | None:
    """Let the current tokens expire behind the last grant; None where there is none. The caller holds the lock.

    Here and not where it is shown: a revocation is kept for as long as any text of this jti could be shown.
    """
    found = selectors.current_tokens(customer, group)
    expires_at = _expires_at(customer, group) if found else None
    for token in found:
        if expires_at is not None and expires_at > token.expires_at:
            token.expires_at = expires_at
            token.save(update_fields=["expires_at"])
    return found[0] if found else None


@transaction.atomic
def add_token(
    *, customer: Customer, group: NodeGroup, name: str, now: datetime, symbols: Iterable[str] = ()
) -> AccessToken:
    """Make another token beside those that there are.

    Args:
        name: none of the customer's present tokens of this group has it.
        symbols: the only ones that it follows, as people write them; empty: whatever the customer may.

    Raises:
        BadTokenRequest: the name is missing, too long or taken, or the list is too long.
        BadSymbol: a symbol has no symbol's form.
        NoEntitlement: nothing was ever bought on this group.
        TooManyTokens: five of them work already.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_NAME:
        raise BadTokenRequest(f"a token's name has 1 to {MOST_NAME} characters", reason="name")
    only = sorted({InstrumentId.parse(one).symbol for one in symbols})
    if len(only) > MOST_SYMBOLS:
        raise BadTokenRequest(
            f"a token's own list has at most {MOST_SYMBOLS} symbols", reason="symbols", most=MOST_SYMBOLS
        )
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if any(one.name == name for one in selectors.current_tokens(customer, group)):
        raise BadTokenRequest("you have a token of that name", reason="taken")
    _leave_room(customer, group, now)
    return _create(customer, group, now, name=name, symbols=only)


@transaction.atomic
def rotate_token(*, customer: Customer, group: NodeGroup, now: datetime, jti: str | None = None) -> str:
    """Replace a token by one of its name and symbols; the old one works for 24 h more, so that programs can be changed
    one by one.

    Args:
        jti: which one; without it the current one.

    Raises:
        NoEntitlement: nothing was ever bought on this group.
        TooManyTokens: five of them work already.
        TokenGone: it was replaced or revoked, or is none of theirs.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    _leave_room(customer, group, now)
    present = selectors.current_tokens(customer, group)
    old = next((one for one in present if jti is None or one.jti == jti), None)
    if old is None and jti is not None:
        raise TokenGone
    if old is not None:
        old.works_until_at = now + OLD_WORKS
        old.save(update_fields=["works_until_at"])
        announcements.token_ends(old, old.works_until_at)
        announcements.token_replaced(old)
        return _sign(_create(customer, group, now, name=old.name, symbols=old.symbols), now)
    return _sign(_create(customer, group, now), now)


@transaction.atomic
def revoke_token(*, customer: Customer, jti: str, now: datetime, group: NodeGroup | None = None) -> AccessToken:
    """End a token at once. Revoking twice changes nothing.

    Raises:
        TokenGone: the customer has no such token, or not on that group.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    token = AccessToken.objects.select_related("customer", "group").filter(customer=customer, jti=jti).first()
    if token is None or (group is not None and token.group_id != group.pk):
        raise TokenGone
    if token.revoked_at is None:
        _end(token, now)
        announcements.token_revoked(token)
    return token


@transaction.atomic
def revoke_tokens(*, customer: Customer, group: NodeGroup, now: datetime) -> int:
    """End every token of a group at once, the ones that were rotated included; return how many."""
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    working = selectors.working_tokens(customer, group, now)
    for token in working:
        _end(token, now)
    if working:
        announcements.token_revoked(working[-1], count=len(working))  # one mail, not five
    return len(working)


def _end(token: AccessToken, now: datetime) -> None:
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    announcements.token_ends(token, now)


def _leave_room(customer: Customer, group: NodeGroup, now: datetime) -> None:
    working = selectors.working_tokens(customer, group, now)
    if len(working) >= MOST_WORKING:
        free_at = min((one.works_until_at for one in working if one.works_until_at is not None), default=None)
        raise TooManyTokens(working=len(working), free_at=free_at.isoformat() if free_at is not None else None)


def _create(
    customer: Customer, group: NodeGroup, now: datetime, *, name: str = "", symbols: Sequence[str] = ()
) -> AccessToken:
    made_since = now - timedelta(days=1)
    made = AccessToken.objects.filter(customer=customer, group=group, issued_at__gt=made_since).count()
    if made >= MOST_A_DAY:
        raise TooManyTokens(f"{made} tokens were made within a day; make the next one tomorrow", made=made)
    return AccessToken.objects.create(
        customer=customer, group=group, name=name, symbols=list(symbols), issued_at=now,
        expires_at=_expires_at(customer, group),
    )  # fmt: skip


def _sign(token: AccessToken, now: datetime) -> str:
    customer, group = token.customer, token.group
    return sign(token, scope=selectors.scope(customer, group, now), asks=selectors.rt_receiver_of(group), now=now)


def sign(token: AccessToken, *, scope: Scope, asks: Node | None, now: datetime) -> str:
    """Return a token's text.

    Args:
        asks: the group's node that wants tokens as rt-receiver has them, if there is one.
    """
    if token.symbols:
        scope = replace(scope, symbols=frozenset(token.symbols))
    algorithm = keys.EDDSA if asks is None else keys.RS256
    kid = keys.signing_key_id(now=now) if asks is None else keys.ensure_key(now=now, algorithm=algorithm)
    return tokens.issue(
        scope=scope,
        jti=token.jti,
        issuer=settings.TOKEN_ISSUER,
        now_s=int(now.timestamp()),
        expires_at_s=int(token.expires_at.timestamp()),
        kid=kid,
        private_key=keys.load_key(kid),
        algorithm=algorithm,
        node_id=asks.slug if asks is not None else None,
    )


def _expires_at(customer: Customer, group: NodeGroup) -> datetime:
    end = selectors.last_end(customer, group)
    if end is None:
        raise NoEntitlement(group=group.slug)
    return end + OUTLIVES_GRANT
