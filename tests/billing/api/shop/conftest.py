"""A shop that sells through the sandbox, and a program of alice."""

import pytest

from kernel.clock import utc_now
from nodes.models import Node
from tests.billing.api.programs import Program
from tests.factories import a_node, a_plan


@pytest.fixture
def shop(settings, keys_dir):
    """The node that everything is bought on; prices and places are of now."""
    settings.PAYMENT_GATEWAYS, settings.SANDBOX_KEY = ["sandbox"], "key"
    a_plan()
    node = a_node()
    Node.objects.filter(pk=node.pk).update(last_seen_at=utc_now())
    return node


@pytest.fixture
def program(shop, alice):
    return Program(alice)
