"""Who may follow what now: one test a rule, and the laws that hold of any token, store and policy."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.access import NOTHING_STORED, Stored, effective_scope, is_current, is_revoked, scope_by_what_is_known
from kernel.scope import Policy, Scope, Step
from kernel.tokens import Claims, CustomerDeactivated, SubscriptionExpired, TokenExpired, TokenRevoked

NOW = 1_000
BOTH, L1 = frozenset({"CN", "HK"}), frozenset({"L1"})
MOUTAI, TENCENT = "600519.SH", "00700.HK"


def scope(rev: int, max_subs: int, *, ends_at_s: int = 9_000, **more) -> Scope:
    """Symbols since the beginning of time until the end of the last grant."""
    running = Step(0, max_subs, 2, BOTH, L1)
    return Scope("alice", "cn-east", rev, (running, Step(ends_at_s, 0, 0, frozenset(), frozenset())), **more)


def token(of: Scope, *, expires_at_s: int = 50_000) -> Claims:
    return Claims(of, jti="j1", issued_at_s=0, expires_at_s=expires_at_s)


FIVE = token(scope(3, 5))
ENDED = token(scope(3, 5, ends_at_s=NOW))


# -- token and store ---------------------------------------------------------------------------------------------------


def test_where_nothing_is_stored_the_token_alone_counts():
    assert effective_scope(FIVE, NOTHING_STORED, NOW) == FIVE.scope


def test_a_newer_entitlement_counts_instead_of_the_tokens():
    assert effective_scope(FIVE, Stored(scope(4, 20)), NOW).at(NOW).max_subs == 20


def test_a_newer_entitlement_counts_also_when_it_allows_less():
    assert effective_scope(FIVE, Stored(scope(4, 1)), NOW).at(NOW).max_subs == 1


def test_an_older_entitlement_counts_nothing():
    assert effective_scope(FIVE, Stored(scope(2, 20)), NOW) == FIVE.scope


def test_at_the_same_rev_the_store_is_believed():
    assert effective_scope(FIVE, Stored(scope(3, 20)), NOW).at(NOW).max_subs == 20


def test_what_was_known_counts_while_the_store_has_nothing_newer():
    known = scope(5, 20)

    assert effective_scope(FIVE, NOTHING_STORED, NOW, known=known).rev == 5
    assert effective_scope(FIVE, Stored(scope(4, 1)), NOW, known=known).rev == 5
    assert effective_scope(FIVE, Stored(scope(5, 1)), NOW, known=known).at(NOW).max_subs == 1
    assert effective_scope(FIVE, Stored(scope(6, 1)), NOW, known=known).rev == 6


def test_what_was_known_counts_nothing_against_a_newer_token():
    assert effective_scope(FIVE, NOTHING_STORED, NOW, known=scope(2, 20)) == FIVE.scope


# -- the end -----------------------------------------------------------------------------------------------------------


def test_a_renewal_in_the_store_brings_an_ended_token_back():
    assert effective_scope(ENDED, Stored(scope(4, 5)), NOW).at(NOW).max_subs == 5


def test_the_instant_the_last_grant_ends_the_subscription_has_expired():
    assert effective_scope(ENDED, NOTHING_STORED, NOW - 1).at(NOW - 1).max_subs == 5
    with pytest.raises(SubscriptionExpired):
        effective_scope(ENDED, NOTHING_STORED, NOW)


def test_a_newer_entitlement_that_has_ended_ends_a_token_that_has_not():
    with pytest.raises(SubscriptionExpired):
        effective_scope(FIVE, Stored(scope(4, 5, ends_at_s=NOW)), NOW)


def test_a_pause_before_a_grant_that_is_to_begin_is_no_end():
    paused = Scope("alice", "cn-east", 4, (Step(0, 0, 0, frozenset(), frozenset()), Step(NOW + 1, 5, 2, BOTH, L1)))

    assert effective_scope(FIVE, Stored(paused), NOW).at(NOW).max_subs == 0


def test_a_token_works_until_five_seconds_after_its_exp():
    claims = token(scope(3, 5), expires_at_s=NOW - 5)

    assert effective_scope(claims, NOTHING_STORED, NOW - 0.001) == claims.scope
    with pytest.raises(TokenExpired):
        effective_scope(claims, NOTHING_STORED, NOW)


def test_a_renewal_brings_no_expired_token_back():
    with pytest.raises(TokenExpired):
        effective_scope(token(scope(3, 5), expires_at_s=0), Stored(scope(4, 20)), NOW)


# -- revocation --------------------------------------------------------------------------------------------------------


def test_a_revoked_token_works_no_more_from_that_second_on():
    assert effective_scope(FIVE, Stored(revoked_from_s=NOW + 1), NOW) == FIVE.scope
    with pytest.raises(TokenRevoked):
        effective_scope(FIVE, Stored(revoked_from_s=NOW), NOW)


def test_of_a_revoked_token_that_is_also_over_the_revocation_is_told():
    with pytest.raises(TokenRevoked):
        effective_scope(token(ENDED.scope, expires_at_s=0), Stored(revoked_from_s=0), NOW)


def test_of_an_expired_token_whose_grant_has_ended_the_expiry_is_told():
    with pytest.raises(TokenExpired):
        effective_scope(token(ENDED.scope, expires_at_s=0), NOTHING_STORED, NOW)


def test_what_was_never_revoked_is_not_revoked():
    assert not is_revoked(None, NOW)
    assert [is_revoked(NOW, at) for at in (NOW - 0.001, NOW, NOW + 1)] == [False, True, True]


# -- symbols and policies ----------------------------------------------------------------------------------------------


def test_the_tokens_list_of_symbols_holds_for_a_newer_entitlement_too():
    listed = token(scope(3, 5, symbols=frozenset({MOUTAI})))

    assert effective_scope(listed, Stored(scope(4, 20)), NOW).symbols == {MOUTAI}


def test_of_two_lists_of_symbols_what_both_have_is_left():
    listed = token(scope(3, 5, symbols=frozenset({MOUTAI, "000001.SZ"})))
    stored = scope(4, 20, symbols=frozenset({MOUTAI, TENCENT}))

    assert effective_scope(listed, Stored(stored), NOW).symbols == {MOUTAI}


def test_a_policy_narrows_whatever_was_sold():
    policy = Policy(7, max_subs=2, markets=frozenset({"CN"}), symbols=frozenset({MOUTAI}))

    left = effective_scope(FIVE, Stored(scope(4, 20), policy), NOW)

    assert left.at(NOW) == Step(0, 2, 2, frozenset({"CN"}), L1)
    assert (left.symbols, left.policy) == ({MOUTAI}, policy)


def test_a_policy_that_leaves_nothing_is_no_end():
    nothing = Policy(7, max_subs=1, markets=frozenset(), levels=frozenset(), symbols=frozenset())

    assert effective_scope(FIVE, Stored(policy=nothing), NOW).at(NOW).markets == frozenset()


def test_a_policy_that_was_taken_back_narrows_nothing_of_what_was_known():
    known = scope(4, 20).under(Policy(7, max_subs=1))

    assert effective_scope(FIVE, NOTHING_STORED, NOW, known=known).at(NOW).max_subs == 20


def test_another_policy_replaces_the_one_of_what_was_known():
    known = scope(4, 20).under(Policy(7, max_subs=1))

    assert effective_scope(FIVE, Stored(policy=Policy(8, max_subs=10)), NOW, known=known).at(NOW).max_subs == 10


# -- a store that is away ----------------------------------------------------------------------------------------------


def test_while_the_store_is_away_what_was_known_counts_with_its_policy():
    known = scope(4, 20).under(Policy(7, max_subs=10))

    assert scope_by_what_is_known(FIVE, known, NOW) == known
    assert scope_by_what_is_known(FIVE, known, NOW).policy == Policy(7, max_subs=10)


def test_while_the_store_is_away_a_customer_nobody_knows_has_what_the_token_says():
    assert scope_by_what_is_known(FIVE, None, NOW) == FIVE.scope


def test_while_the_store_is_away_nobody_can_say_whether_an_ended_token_was_renewed():
    assert scope_by_what_is_known(ENDED, None, NOW) is None


def test_while_the_store_is_away_what_was_known_ends_when_it_said_it_would():
    with pytest.raises(SubscriptionExpired):
        scope_by_what_is_known(ENDED, scope(3, 5, ends_at_s=NOW), NOW)


def test_while_the_store_is_away_a_token_expires_all_the_same():
    with pytest.raises(TokenExpired):
        scope_by_what_is_known(token(scope(3, 5), expires_at_s=0), scope(4, 20), NOW)


# -- whether a re-check is due -----------------------------------------------------------------------------------------


def test_the_entitlement_in_force_and_older_ones_are_nothing_new():
    in_force = scope(4, 20)

    assert is_current(in_force, Stored(scope(4, 20)))
    assert is_current(in_force, Stored(scope(3, 5)))
    assert not is_current(in_force, Stored(scope(5, 20)))


def test_a_store_that_has_lost_the_entitlement_has_nothing_new():
    assert is_current(scope(4, 20), NOTHING_STORED)


def test_a_policy_that_came_changed_or_was_taken_back_is_new():
    policy = Policy(7, max_subs=10)
    free, narrowed = scope(4, 20), scope(4, 20).under(policy)

    assert is_current(narrowed, Stored(policy=policy))
    assert not is_current(free, Stored(policy=policy))
    assert not is_current(narrowed, Stored(policy=Policy(8, max_subs=10)))
    assert not is_current(narrowed, NOTHING_STORED)


# -- laws --------------------------------------------------------------------------------------------------------------

SYMBOLS = st.none() | st.frozensets(st.sampled_from([MOUTAI, TENCENT, "000001.SZ"]))
WORDS = {
    "markets": st.frozensets(st.sampled_from(["CN", "HK"])),
    "levels": st.frozensets(st.sampled_from(["L1", "L2"])),
}
STEPS = st.lists(
    st.builds(Step, from_s=st.integers(0, 2_000), max_subs=st.integers(0, 9), max_conns=st.integers(0, 3), **WORDS),
    min_size=1, max_size=4, unique_by=lambda step: step.from_s,
).map(lambda steps: tuple(sorted(steps, key=lambda step: step.from_s)))  # fmt: skip
SCOPES = st.builds(
    Scope, customer=st.just("alice"), group=st.just("cn-east"), rev=st.integers(0, 5), steps=STEPS, symbols=SYMBOLS
)
CLAIMS = st.builds(
    Claims, scope=SCOPES, jti=st.just("j1"), issued_at_s=st.just(0), expires_at_s=st.integers(500, 9_000)
)
POLICIES = st.builds(
    Policy,
    revision=st.integers(0, 9), max_subs=st.integers(0, 9), symbols=SYMBOLS,
    **{name: st.none() | words for name, words in WORDS.items()},
)  # fmt: skip
STORED = st.builds(Stored, st.none() | SCOPES, st.none() | POLICIES, st.none() | st.integers(0, 2_000))
INSTANTS = st.integers(0, 2_500)


def outcome(*arguments, **more):
    """What is allowed, as something that can be compared; or the word for why nothing is."""
    try:
        found = effective_scope(*arguments, **more)
    except (TokenRevoked, TokenExpired, SubscriptionExpired) as error:
        return error.code
    return found, found.policy, found.whole


def includes(wide: Scope, narrow: Scope, at_s: int) -> bool:
    outer, inner = wide.at(at_s), narrow.at(at_s)
    by_name = wide.symbols is None or (narrow.symbols is not None and narrow.symbols <= wide.symbols)
    return (
        by_name and inner.max_subs <= outer.max_subs and inner.max_conns <= outer.max_conns
        and inner.markets <= outer.markets and inner.levels <= outer.levels
    )  # fmt: skip


@given(CLAIMS, STORED, INSTANTS, INSTANTS)
def test_nothing_is_ever_wider_than_the_newer_one_of_token_and_store(claims, stored, now_s, later_s):
    found = outcome(claims, stored, now_s)
    if isinstance(found, str):
        return

    entitlement = stored.entitlement
    newest = claims.scope if entitlement is None or entitlement.rev < claims.scope.rev else entitlement
    assert includes(newest, found[0], later_s)
    assert found[0].rev == newest.rev


@given(CLAIMS, STORED, INSTANTS, st.none() | SCOPES)
def test_revocation_wins_over_everything(claims, stored, now_s, known):
    assert outcome(claims, replace(stored, revoked_from_s=now_s), now_s, known=known) == "token_revoked"


@given(CLAIMS, STORED, POLICIES, INSTANTS, INSTANTS)
def test_a_policy_never_widens_and_never_ends(claims, stored, policy, now_s, later_s):
    free = outcome(claims, replace(stored, policy=None), now_s)
    narrowed = outcome(claims, replace(stored, policy=policy), now_s)

    if isinstance(free, str):
        assert narrowed == free
    else:
        assert includes(free[0], narrowed[0], later_s)
        assert narrowed[2] == free[0]


@given(CLAIMS, STORED, INSTANTS)
def test_a_list_of_symbols_takes_away_only(claims, stored, now_s):
    found = outcome(claims, stored, now_s)
    if isinstance(found, str):
        return

    lists = [claims.scope.symbols, stored.policy.symbols if stored.policy is not None else None]
    for symbol in (MOUTAI, TENCENT, "000001.SZ"):
        if found[0].allows(symbol):
            assert all(symbols is None or symbol in symbols for symbols in lists)


@given(CLAIMS, STORED, SCOPES, st.none() | SCOPES, INSTANTS)
def test_what_is_in_force_never_goes_back_to_a_lower_rev(claims, stored, raised, known, now_s):
    before = outcome(claims, stored, now_s, known=known)
    if isinstance(before, str):
        return

    raised = replace(raised, rev=before[0].rev + 1)
    after = outcome(claims, replace(stored, entitlement=raised), now_s, known=before[0])
    assert after == "subscription_expired" or after[0].rev == raised.rev
    lost = outcome(claims, replace(stored, entitlement=None), now_s, known=before[0])
    assert lost[0].rev == before[0].rev


@given(CLAIMS, STORED, INSTANTS, st.none() | SCOPES)
def test_the_same_question_has_the_same_answer_twice(claims, stored, now_s, known):
    assert outcome(claims, stored, now_s, known=known) == outcome(claims, stored, now_s, known=known)


@given(CLAIMS, STORED, INSTANTS)
def test_whatever_is_in_force_is_nothing_new_to_the_store_that_it_came_from(claims, stored, now_s):
    found = outcome(claims, stored, now_s)

    assert isinstance(found, str) or is_current(found[0], stored)


@given(CLAIMS, STORED, INSTANTS)
def test_a_store_that_goes_away_changes_nothing_for_who_was_known(claims, stored, now_s):
    found = outcome(claims, stored, now_s)
    if not isinstance(found, str):
        away = scope_by_what_is_known(claims, found[0], now_s)
        assert (away, away.policy, away.whole) == found


# -- who has no account ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        (NOTHING_STORED, None),
        (Stored(scope(9, 500)), None),  # whatever somebody has written under a guest's name
        (NOTHING_STORED, scope(9, 500)),
        (Stored(policy=Policy(1, 500)), None),
    ],
)
def test_a_guest_sees_the_test_instrument_and_nothing_else_whatever_is_said(stored, known):
    guest = Claims(Scope("guest:192.0.2.1", "cn-east", 3, scope(3, 500).steps), "j1", 0, 50_000, viewer=True)

    found = effective_scope(guest, stored, NOW, known=known)

    step = found.at(NOW)
    assert (step.max_subs, step.max_conns, step.markets, found.symbols) == (0, 0, frozenset(), frozenset({"TEST.CN"}))
    assert found.next_change_s(NOW) is not None  # so nothing tells that a subscription has ended


def test_a_guests_token_ends():
    guest = Claims(Scope("guest", "cn-east", 0, scope(0, 0).steps), "j1", 0, NOW - 60, viewer=True)
    with pytest.raises(TokenExpired):
        effective_scope(guest, NOTHING_STORED, NOW)


def test_a_customers_page_has_what_the_customer_has():
    page = replace(FIVE, viewer=True)

    assert effective_scope(page, NOTHING_STORED, NOW) == FIVE.scope
    with pytest.raises(CustomerDeactivated):
        effective_scope(page, Stored(replace(scope(4, 5), active=False)), NOW)
    with pytest.raises(SubscriptionExpired):
        effective_scope(replace(ENDED, viewer=True), NOTHING_STORED, NOW)
