"""Tokens: what billing signs a node can verify; they are replaced, revoked and outlive their grants."""

import threading
from datetime import timedelta

import jwt
import pytest
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from billing import selectors
from billing.errors import BadTokenRequest, NoEntitlement, TokenGone, TooManyTokens
from billing.models import AccessToken
from billing.services import keys
from billing.services.tokens import MOST_A_DAY, add_token, issue_token, revoke_token, revoke_tokens, rotate_token, sign
from kernel import tokens
from kernel.instruments import BadSymbol
from outbox.models import Outbox
from tests.at_once import at_once
from tests.factories import FIRST_REV, NOW, a_customer, a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def verify(text, *, at=NOW, audience="sh"):
    """Do what a node does, with the published keys alone."""
    published = {key["kid"]: tokens.VerifyKey("EdDSA", jwt.PyJWK(key).key) for key in keys.jwks()["keys"]}
    return tokens.verify(text, keys=published, issuer="tickpack", audience=audience, now_s=at.timestamp())


def test_a_node_reads_from_a_token_what_was_bought(keys_dir, alice, node):
    grant = a_grant(alice, node)

    claims = verify(issue_token(customer=alice, group=node.group, now=NOW))

    assert (claims.scope.customer, claims.scope.group, claims.scope.rev) == (alice.public_id, "sh", FIRST_REV)
    assert [step.max_subs for step in claims.scope.steps] == [5, 0]
    assert claims.scope.ends_at_s == grant.ends_at.timestamp()
    assert claims.expires_at_s == (grant.ends_at + timedelta(days=400)).timestamp()


def test_a_renewal_keeps_the_token_and_moves_what_it_says(keys_dir, alice, node):
    a_grant(alice, node)
    before = verify(issue_token(customer=alice, group=node.group, now=NOW))
    a_grant(alice, node, plan="pack-15")

    after = verify(issue_token(customer=alice, group=node.group, now=NOW))

    assert after.jti == before.jti
    assert (before.scope.rev, after.scope.rev) == (FIRST_REV, FIRST_REV + 1)
    assert after.scope.at(NOW.timestamp()).max_subs == 20


def test_who_never_bought_gets_no_token(keys_dir, node):
    with pytest.raises(NoEntitlement):
        issue_token(customer=a_customer("mallory"), group=node.group, now=NOW)


def test_a_rotated_token_works_for_a_day_more(keys_dir, alice, node):
    a_grant(alice, node)
    old = verify(issue_token(customer=alice, group=node.group, now=NOW))

    new = verify(rotate_token(customer=alice, group=node.group, now=NOW))

    assert new.jti != old.jti
    told = Outbox.objects.get(kind="revocation").payload
    assert (told["jti"], told["works_until_s"]) == (old.jti, int((NOW + timedelta(hours=24)).timestamp()))
    assert {one.jti for one in selectors.working_tokens(alice, node.group, NOW)} == {old.jti, new.jti}
    assert [one.jti for one in selectors.working_tokens(alice, node.group, NOW + timedelta(hours=25))] == [new.jti]


def test_a_revoked_token_ends_at_once_and_the_next_one_is_another(keys_dir, alice, node):
    a_grant(alice, node)
    old = verify(issue_token(customer=alice, group=node.group, now=NOW))

    revoke_token(customer=alice, jti=old.jti, now=NOW)
    revoke_token(customer=alice, jti=old.jti, now=NOW + timedelta(hours=1))

    assert Outbox.objects.get(kind="revocation").payload["works_until_s"] == int(NOW.timestamp())
    assert selectors.current_token(alice, node.group) is None
    assert verify(issue_token(customer=alice, group=node.group, now=NOW)).jti != old.jti


def test_nobody_revokes_another_ones_token(keys_dir, alice, node):
    a_grant(alice, node)
    jti = selectors.current_token(alice, node.group).jti

    with pytest.raises(TokenGone):
        revoke_token(customer=a_customer("mallory"), jti=jti, now=NOW)


def test_revoking_a_groups_tokens_ends_the_rotated_ones_too_and_no_other_groups(keys_dir, alice, node):
    a_grant(alice, node)
    other = a_node("hk-1", group=a_group("hk"))
    a_grant(alice, other)
    rotate_token(customer=alice, group=node.group, now=NOW)

    assert revoke_tokens(customer=alice, group=node.group, now=NOW) == 2
    assert selectors.working_tokens(alice, node.group, NOW) == []
    assert len(selectors.working_tokens(alice, other.group, NOW)) == 1


def test_no_text_of_a_token_is_at_rest(keys_dir, alice, node):
    a_grant(alice, node)
    text = issue_token(customer=alice, group=node.group, now=NOW)

    stored = str([list(AccessToken.objects.values()), list(Outbox.objects.values())])

    assert text not in stored
    assert text.split(".")[2] not in stored


def test_a_group_with_an_rt_receiver_gets_tokens_of_its_shape(keys_dir, alice, node):
    a_grant(alice, node)
    flat = verify(issue_token(customer=alice, group=node.group, now=NOW))
    node.token_kind = node.TokenKind.RT_RECEIVER
    node.save()

    text = issue_token(customer=alice, group=node.group, now=NOW)

    published = {key["kid"]: key["alg"] for key in keys.jwks()["keys"]}
    header, claims = jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False})
    assert (header["alg"], published[header["kid"]]) == ("RS256", "RS256")
    assert (claims["node_id"], claims["scope"]["type"]) == (node.slug, "realtime_stock")
    verify_keys = {
        key["kid"]: tokens.VerifyKey(key["alg"], jwt.PyJWK(key, algorithm=key["alg"]).key)
        for key in keys.jwks()["keys"]
    }
    nested = tokens.verify(text, keys=verify_keys, issuer="tickpack", audience="sh", now_s=NOW.timestamp())
    assert nested == flat  # the same jti, the same steps: nothing is lost


def test_at_most_five_tokens_work_and_a_sixth_is_refused_until_the_first_has_ended(keys_dir, alice, node):
    a_grant(alice, node)
    for _ in range(4):
        rotate_token(customer=alice, group=node.group, now=NOW)

    with pytest.raises(TooManyTokens) as refused:
        rotate_token(customer=alice, group=node.group, now=NOW)

    assert len(selectors.working_tokens(alice, node.group, NOW)) == 5
    assert refused.value.fields["free_at"] == (NOW + timedelta(hours=24)).isoformat()
    rotate_token(customer=alice, group=node.group, now=NOW + timedelta(hours=24, seconds=1))


def test_another_group_and_another_customer_have_five_of_their_own(keys_dir, alice, node):
    other, bob = a_node("hk-1", group=a_group("hk")), a_customer("bob")
    for customer, on in ((alice, node), (alice, other), (bob, node)):
        a_grant(customer, on)
        for _ in range(4):
            rotate_token(customer=customer, group=on.group, now=NOW)

    assert AccessToken.objects.count() == 15


def test_revoking_all_makes_room_but_not_for_ever_on_one_day(keys_dir, alice, node):
    a_grant(alice, node)
    made = 1
    with pytest.raises(TooManyTokens):
        for _ in range(100):
            revoke_tokens(customer=alice, group=node.group, now=NOW)
            issue_token(customer=alice, group=node.group, now=NOW)
            made += 1

    assert made == MOST_A_DAY
    issue_token(customer=alice, group=node.group, now=NOW + timedelta(days=1))


def names(alice, node):
    return [one.name for one in selectors.current_tokens(alice, node.group)]


def test_several_tokens_work_beside_each_other_each_by_its_name(keys_dir, alice, node):
    a_grant(alice, node)
    main = selectors.current_token(alice, node.group)

    laptop = add_token(customer=alice, group=node.group, name=" my  laptop ", now=NOW)

    assert names(alice, node) == ["", "my laptop"]
    assert selectors.current_token(alice, node.group) == main
    assert {one.jti for one in selectors.working_tokens(alice, node.group, NOW)} == {main.jti, laptop.jti}


def test_one_of_several_is_replaced_and_ended_alone(keys_dir, alice, node):
    a_grant(alice, node)
    main = selectors.current_token(alice, node.group)
    laptop = add_token(customer=alice, group=node.group, name="laptop", symbols=["600519.SH"], now=NOW)

    new = verify(rotate_token(customer=alice, group=node.group, jti=laptop.jti, now=NOW))
    laptop.refresh_from_db()
    replaced = AccessToken.objects.get(jti=new.jti)

    assert (replaced.name, replaced.symbols) == ("laptop", ["600519.SH"])
    assert laptop.works_until_at == NOW + timedelta(hours=24)
    revoke_token(customer=alice, group=node.group, jti=new.jti, now=NOW)
    assert selectors.current_tokens(alice, node.group) == [main]
    with pytest.raises(TokenGone):
        rotate_token(customer=alice, group=node.group, jti=new.jti, now=NOW)


def test_a_token_of_another_group_or_customer_is_gone(keys_dir, alice, node):
    other, bob = a_node("hk-1", group=a_group("hk")), a_customer("bob")
    for customer, on in ((alice, node), (alice, other), (bob, node)):
        a_grant(customer, on)
    theirs = [selectors.current_token(bob, node.group), selectors.current_token(alice, other.group)]

    for one in theirs:
        with pytest.raises(TokenGone):
            rotate_token(customer=alice, group=node.group, jti=one.jti, now=NOW)
        with pytest.raises(TokenGone):
            revoke_token(customer=alice, group=node.group, jti=one.jti, now=NOW)


@pytest.mark.parametrize("nested", [False, True], ids=["ours", "rt-receiver's"])
def test_a_token_with_symbols_of_its_own_carries_them_and_all_others_carry_none(keys_dir, alice, node, nested):
    a_grant(alice, node)
    asks = node if nested else None
    narrow = add_token(
        customer=alice, group=node.group, name="one", symbols=["700.hk", "600519.SH", "00700.HK"], now=NOW
    )
    scope = selectors.scope(alice, node.group, NOW)

    of = [sign(one, scope=scope, asks=asks, now=NOW) for one in selectors.current_tokens(alice, node.group)]
    published = {
        key["kid"]: tokens.VerifyKey(key["alg"], jwt.PyJWK(key, algorithm=key["alg"]).key)
        for key in keys.jwks()["keys"]
    }
    read = [
        tokens.verify(one, keys=published, issuer="tickpack", audience="sh", now_s=NOW.timestamp()).scope.symbols
        for one in of
    ]

    assert narrow.symbols == ["00700.HK", "600519.SH"]
    assert read == [None, frozenset({"600519.SH", "00700.HK"})]


@pytest.mark.parametrize(
    ("name", "symbols", "error"),
    [
        ("", [], BadTokenRequest), ("x" * 41, [], BadTokenRequest), ("taken", [], BadTokenRequest),
        ("new", ["Moutai"], BadSymbol), ("new", [f"{n:06d}.SZ" for n in range(51)], BadTokenRequest),
    ],
)  # fmt: skip
def test_a_name_is_ones_own_and_a_list_is_of_symbols(keys_dir, alice, node, name, symbols, error):
    a_grant(alice, node)
    add_token(customer=alice, group=node.group, name="taken", now=NOW)

    with pytest.raises(error):
        add_token(customer=alice, group=node.group, name=name, symbols=symbols, now=NOW)

    assert names(alice, node) == ["", "taken"]


def test_named_tokens_count_among_the_five(keys_dir, alice, node):
    a_grant(alice, node)
    for nth in range(4):
        add_token(customer=alice, group=node.group, name=f"n{nth}", now=NOW)

    with pytest.raises(TooManyTokens):
        add_token(customer=alice, group=node.group, name="sixth", now=NOW)


def test_a_purchase_lets_every_token_live_longer(keys_dir, alice, node):
    a_grant(alice, node)
    add_token(customer=alice, group=node.group, name="laptop", now=NOW)
    longer = a_grant(alice, node, months=6)

    found = selectors.current_tokens(alice, node.group)

    assert [one.expires_at for one in found] == [longer.ends_at + timedelta(days=400)] * 2


@pytest.fixture
def two_who_rotate(transactional_db, monkeypatch, keys_dir):
    """Two rotations of a customer with four working tokens, each waiting a second for the other after having looked."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    alice, node = a_customer("alice"), a_node()
    a_grant(alice, node)
    for _ in range(3):
        rotate_token(customer=alice, group=node.group, now=NOW)
    looked, count = threading.Barrier(2), selectors.working_tokens

    def count_and_meet(*args):
        found = count(*args)
        try:
            looked.wait(1)
        except threading.BrokenBarrierError:
            pass
        return found

    monkeypatch.setattr(selectors, "working_tokens", count_and_meet)

    def both():
        def rotate():
            try:
                rotate_token(customer=alice, group=node.group, now=NOW)
            except TooManyTokens as refused:
                return refused.code
            except IntegrityError:
                return "one_current_token_a_name"
            return "rotated"

        return sorted(at_once([rotate] * 2)), AccessToken.objects.count()

    return both, looked


def test_two_who_rotate_at_once_make_five_and_not_six(two_who_rotate):
    both, looked = two_who_rotate

    assert both() == (["rotated", "too_many_tokens"], 5)
    assert looked.broken  # they never met: one waited until the other had written


def test_without_the_lock_both_see_room_for_one(two_who_rotate, monkeypatch):
    """The twin: shows that the test above can fail; only the unique key is left to stop the second one."""
    both, looked = two_who_rotate
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    said, _ = both()

    assert "too_many_tokens" not in said
    assert not looked.broken
