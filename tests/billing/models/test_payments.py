"""What a gateway told the shop is kept once an event."""

import pytest
from django.db import IntegrityError

from billing.models import GatewayNotice
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def notice(**changes) -> GatewayNotice:
    usual = {"provider": "sandbox", "event_id": "event-1", "order_id": "order", "amount_fen": 1050, "currency": "CNY"}
    times = {"paid_at": NOW, "received_at": NOW}
    return GatewayNotice.objects.create(**{**usual, **times, "outcome": "unknown_purchase", **changes})


def test_one_event_of_a_provider_is_kept_once():
    notice()
    notice(provider="another")

    with pytest.raises(IntegrityError):
        notice()


def test_its_amount_is_shown_as_people_write_it():
    assert notice().amount == "10.50"
    assert str(notice(event_id="event-2")) == "sandbox event-2: unknown_purchase"
