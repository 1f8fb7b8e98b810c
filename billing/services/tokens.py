"""Hands out, replaces and ends tokens. A token's text is nowhere at rest: it is signed again whenever it is shown."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Customer
from billing import announcements, selectors
from billing.errors import NoEntitlement, TokenGone, TooManyTokens
from billing.models import AccessToken
from billing.services import keys
from kernel import tokens
from nodes.models import NodeGroup

OUTLIVES_GRANT = timedelta(days=400)  # a renewal within a year must not break a running program
OLD_WORKS = timedelta(hours=24)
MOST_WORKING = 5  # of a customer on a group: each rotation leaves one behind that works for another day
MOST_A_DAY = 50  # a revocation is kept for as long as its token could be shown, 430 days of a new one


@transaction.atomic
def issue_token(*, customer: Customer, group: NodeGroup, now: datetime) -> str:
    """Return the customer's token for a group, signed with what holds now; the first call makes it.

    Raises:
        NoEntitlement: nothing was ever bought on this group.
        TooManyTokens: so many were made and revoked today.
    """
    return _sign(ensure_token(customer=customer, group=group, now=now), now)


@transaction.atomic
def ensure_token(*, customer: Customer, group: NodeGroup, now: datetime) -> AccessToken:
    """Return the customer's current token for a group, as a row, making it where there is none."""
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    return selectors.current_token(customer, group) or _create(customer, group, now)


@transaction.atomic
def rotate_token(*, customer: Customer, group: NodeGroup, now: datetime) -> str:
    """Replace the token; the old one works for 24 h more, so that programs can be changed one by one.

    Raises:
        NoEntitlement: nothing was ever bought on this group.
        TooManyTokens: five of them work already.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    working = selectors.working_tokens(customer, group, now)
    if len(working) >= MOST_WORKING:
        free_at = min((one.works_until_at for one in working if one.works_until_at is not None), default=None)
        raise TooManyTokens(working=len(working), free_at=free_at.isoformat() if free_at is not None else None)
    old = selectors.current_token(customer, group)
    if old is not None:
        old.works_until_at = now + OLD_WORKS
        old.save(update_fields=["works_until_at"])
        announcements.token_ends(old, old.works_until_at)
    return _sign(_create(customer, group, now), now)


@transaction.atomic
def revoke_token(*, customer: Customer, jti: str, now: datetime) -> AccessToken:
    """End a token at once. Revoking twice changes nothing.

    Raises:
        TokenGone: the customer has no such token.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    token = AccessToken.objects.select_related("customer", "group").filter(customer=customer, jti=jti).first()
    if token is None:
        raise TokenGone
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        announcements.token_ends(token, now)
    return token


@transaction.atomic
def revoke_tokens(*, customer: Customer, group: NodeGroup, now: datetime) -> int:
    """End every token of a group at once, the ones that were rotated included; return how many."""
    working = selectors.working_tokens(customer, group, now)
    for token in working:
        revoke_token(customer=customer, jti=token.jti, now=now)
    return len(working)


def _create(customer: Customer, group: NodeGroup, now: datetime) -> AccessToken:
    made_since = now - timedelta(days=1)
    made = AccessToken.objects.filter(customer=customer, group=group, issued_at__gt=made_since).count()
    if made >= MOST_A_DAY:
        raise TooManyTokens(f"{made} tokens were made within a day; make the next one tomorrow", made=made)
    return AccessToken.objects.create(
        customer=customer, group=group, issued_at=now, expires_at=_expires_at(customer, group)
    )


def _sign(token: AccessToken, now: datetime) -> str:
    customer, group = token.customer, token.group
    expires_at = max(token.expires_at, _expires_at(customer, group))
    if expires_at > token.expires_at:
        # A revocation must be kept for as long as any text of this jti could be shown.
        token.expires_at = expires_at
        token.save(update_fields=["expires_at"])
    asks = selectors.rt_receiver_of(group)
    algorithm = keys.EDDSA if asks is None else keys.RS256
    kid = keys.signing_key_id(now=now) if asks is None else keys.ensure_key(now=now, algorithm=algorithm)
    return tokens.issue(
        scope=selectors.scope(customer, group, now),
        jti=token.jti,
        issuer=settings.TOKEN_ISSUER,
        now_s=int(now.timestamp()),
        expires_at_s=int(expires_at.timestamp()),
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
