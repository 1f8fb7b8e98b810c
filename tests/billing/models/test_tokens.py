"""A customer has one current token a group."""

import pytest
from django.db import IntegrityError, transaction

from billing.models import AccessToken
from tests.factories import NOW, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_database_itself_keeps_one_current_token_a_group(alice, node):
    a_grant(alice, node)

    with pytest.raises(IntegrityError, match="one_current_token_a_group"), transaction.atomic():
        AccessToken.objects.create(customer=alice, group=node.group, issued_at=NOW, expires_at=NOW)
