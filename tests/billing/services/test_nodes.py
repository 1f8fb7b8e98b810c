"""What was bought on a node that is retired names another one of its group, and nothing else of it changes."""

import pytest

from billing import selectors
from billing.services.nodes import retire_node
from nodes.errors import LastNodeOfGroup
from nodes.models import Node
from nodes.services.states import drain_node
from tests.factories import a_customer, a_grant, a_group, a_node, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_settled_order_moves_within_its_group_and_a_pending_one_stays(alice, node):
    a_node("hk-1", group=a_group("hk"))
    other = a_node("sh-2")
    bought = a_grant(alice, node).purchase
    pending = a_purchase(a_customer("bob"), node)

    retire_node(node_id=node.pk)

    bought.refresh_from_db()
    pending.refresh_from_db()
    assert (bought.node, bought.group, bought.paid_fen) == (other, node.group, 1000)
    assert pending.node == node


def test_the_last_node_keeps_everything(alice, node):
    bought = a_grant(alice, node).purchase

    with pytest.raises(LastNodeOfGroup):
        retire_node(node_id=node.pk)

    bought.refresh_from_db()
    assert bought.node == node


def test_the_page_names_a_node_that_takes_connections(client, keys_dir, alice, node):
    other = a_node("sh-2")
    bought = a_grant(alice, node).purchase
    client.force_login(alice)
    assert node.ws_url in client.get(f"/purchases/{bought.public_id}/").text

    drain_node(node_id=node.pk)

    page = client.get(f"/purchases/{bought.public_id}/").text
    assert other.ws_url in page
    assert node.ws_url not in page


def test_without_another_one_it_is_the_node_itself(node):
    Node.objects.filter(pk=node.pk).update(state="draining")
    node.refresh_from_db()
    assert selectors.serving_node(node) == node


def test_the_admin_s_verb_is_the_shop_s(client, alice, node):
    other = a_node("sh-2")
    bought = a_grant(alice, node).purchase
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))

    client.post("/admin/nodes/node/", {"action": "retire", "_selected_action": [str(node.pk)]})

    bought.refresh_from_db()
    assert bought.node == other
