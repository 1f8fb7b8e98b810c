"""Who may follow what now: a verified token, what the real-time store has of its customer, and the operator's policy.

The data plane's main rule, as pure functions; whoever reads the store hands in what was found there. A store that is
away locks nobody out: what was known counts, and where nothing was, the token alone.
"""

from dataclasses import dataclass, replace

from kernel.scope import SKEW_S, Policy, Scope, Step, both, newer
from kernel.tokens import LEEWAY_S, Claims, CustomerDeactivated, SubscriptionExpired, TokenExpired, TokenRevoked


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store has of one token: its customer's newest entitlement, the operator's policy, the revocation.

    None is what is not there. A revocation may lie ahead: a rotated token works until its grace is over.
    """

    entitlement: Scope | None = None
    policy: Policy | None = None
    revoked_from_s: float | None = None


NOTHING_STORED = Stored()
GUESTS_SEE = "TEST.CN"  # which costs no quota and is nobody's data
_LONG_S = 400 * 86_400  # a guest's scope outlives its token: nobody has bought what could end


def effective_scope(claims: Claims, stored: Stored, now_s: float, *, known: Scope | None = None) -> Scope:
    """Return what a verified token allows: the newer one of token and store, symbols of both, under the policy.

    Args:
        known: what was in force when this was last asked. It counts as long as the store has nothing newer, as a store
            that has lost its memory must not take a renewal back. Its policy does not: that stands in the store alone.

    Raises:
        TokenRevoked: the token was revoked, or its rotation's grace is over.
        TokenExpired: also of a socket that was opened before.
        CustomerDeactivated: until the customer is activated again, with the same token.
        SubscriptionExpired: nothing is left to follow, now and later. A policy that leaves nothing is no end.
    """
    if is_revoked(stored.revoked_from_s, now_s):
        raise TokenRevoked
    if now_s >= claims.expires_at_s + LEEWAY_S:
        raise TokenExpired
    if claims.guest:
        return guest_scope(claims)
    newest = claims.scope
    for copy in (known, stored.entitlement):
        newest = newer(newest, copy.whole if copy is not None else None)
    if not newest.active:
        raise CustomerDeactivated
    if newest.at(now_s).max_subs == 0 and newest.next_change_s(now_s) is None:
        raise SubscriptionExpired
    # A list of symbols stands in tokens alone, so a newer entitlement takes it over.
    return replace(newest, symbols=both(claims.scope.symbols, newest.symbols)).under(stored.policy)


def guest_scope(claims: Claims) -> Scope:
    """Return what somebody may see who has bought nothing and logged in nowhere: the one exception to entitlements.

    The instrument GUESTS_SEE alone: of no market and with no quota, which it does not cost. What the token says, and
    whatever the store has under its name, have no say.
    """
    nothing: frozenset[str] = frozenset()
    present = Step(claims.issued_at_s - SKEW_S, 0, 0, nothing, frozenset({"L1"}))
    over = Step(claims.expires_at_s + _LONG_S, 0, 0, nothing, nothing)
    named = claims.scope.customer, claims.scope.group
    return Scope(*named, claims.scope.rev, (present, over), symbols=frozenset({GUESTS_SEE}))


def scope_by_what_is_known(claims: Claims, known: Scope | None, now_s: float) -> Scope | None:
    """Return what a token allows while the store is away: what was last known, its policy too; else the token alone.

    Returns:
        None where nothing was known and the token alone is over: a renewal would stand in the store, so nobody can say.

    Raises:
        TokenExpired: the token itself is over.
        SubscriptionExpired: what was known has ended.
    """
    policy = known.policy if known is not None else None
    try:
        return effective_scope(claims, Stored(known, policy), now_s)
    except SubscriptionExpired:
        if known is not None:
            raise
        return None


def is_revoked(revoked_from_s: float | None, now_s: float) -> bool:
    """Tell whether a revocation holds at an instant; it does from its own second on."""
    return revoked_from_s is not None and now_s >= revoked_from_s


def is_current(scope: Scope, stored: Stored) -> bool:
    """Tell whether the stored entitlement and policy are nothing new to a scope in force.

    An entitlement that is gone or older is nothing new; a policy that is gone is, and a customer who is not active.
    Revocation is asked for by itself.
    """
    if stored.policy != scope.policy:
        return False
    return stored.entitlement is None or (stored.entitlement.active and stored.entitlement.rev <= scope.rev)
