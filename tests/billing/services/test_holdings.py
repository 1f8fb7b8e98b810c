"""What a customer holds, read at once: the same as asking group by group, for as many questions of 40 groups as of one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import selectors
from billing.services import tokens
from billing.services.holdings import holdings
from nodes.models import Node
from tests.factories import NOW, a_customer, a_grant, a_group, a_node, a_past_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir):
    return None


def asked(customer):
    with CaptureQueriesContext(connection) as queries:
        for held in holdings(customer=customer, now=NOW):
            held.timeline()
            held.token()
    return [one["sql"] for one in queries]


def test_it_is_what_the_selectors_say_group_by_group(alice, node):
    a_past_grant(alice, node)
    a_grant(alice, node)
    a_grant(alice, a_node("hk-1", group=a_group("hk"), last_seen_at=NOW))
    a_grant(a_customer("bob"), node)
    a_node("sh-2", state=Node.State.RETIRED)
    tokens.rotate_token(customer=alice, group=node.group, now=NOW)

    found = holdings(customer=alice, now=NOW)

    assert [one.group for one in found] == selectors.groups_of(alice)
    for one in found:
        assert one.timeline() == selectors.timeline(alice, one.group, NOW)
        assert one.scope == selectors.scope(alice, one.group, NOW)
        assert one.current == selectors.current_token(alice, one.group)
        assert one.token() == tokens.show_token(customer=alice, group=one.group, now=NOW)
        assert [*one.old, one.current] == sorted(selectors.working_tokens(alice, one.group, NOW), key=lambda t: t.pk)
    assert [node.slug for node in found[1].nodes] == ["sh-1"]


def test_a_revoked_token_is_no_text_and_none_is_made(alice, node):
    a_grant(alice, node)
    tokens.revoke_tokens(customer=alice, group=node.group, now=NOW)

    held = holdings(customer=alice, now=NOW)[0]

    assert (held.current, held.token(), held.old) == (None, None, [])


def test_forty_groups_ask_no_more_than_one_and_nothing_is_locked_or_written(alice, node):
    a_grant(alice, node)
    of_one = asked(alice)
    for nth in range(39):
        a_grant(alice, a_node(f"n{nth}", group=a_group(f"g{nth}")), at=NOW - timedelta(hours=100 - 2 * nth))

    of_all = asked(alice)

    assert len(holdings(customer=alice, now=NOW)) == 40
    assert len(of_all) == len(of_one)
    assert [sql for sql in of_all if not sql.startswith("SELECT") or "FOR " in sql] == []


def test_a_token_expires_behind_what_was_bought_last_without_being_looked_at(alice, node):
    first = a_grant(alice, node)
    before = selectors.current_token(alice, node.group).expires_at
    second = a_grant(alice, node, kind="extend", extends=first.pk)

    token = selectors.current_token(alice, node.group)

    assert token.expires_at == second.ends_at + tokens.OUTLIVES_GRANT > before + timedelta(days=20)
