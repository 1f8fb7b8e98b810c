"""What pages call for their tokens: the panel's own group unless another is named."""

import jwt
import pytest

from kernel.clock import utc_now
from panel.viewer import guest_token, token_for
from tests.factories import a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def claims(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


def test_a_customers_and_a_guests(alice, node, keys_dir, settings):
    settings.NODE_GROUP = "the-panels"
    a_grant(alice, node, at=utc_now())

    mine, expires_at_s = token_for(alice, node.group, utc_now())

    assert (claims(mine)["sub"], claims(mine)["viewer"], claims(mine)["exp"]) == (alice.public_id, True, expires_at_s)
    assert claims(guest_token(utc_now())[0])["aud"] == "the-panels"
    assert claims(guest_token(utc_now(), "another")[0])["aud"] == "another"
