"""A customer has one current token of a name on a group."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from billing.models import AccessToken
from tests.factories import NOW, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_database_itself_keeps_one_current_token_a_name(alice, node):
    a_grant(alice, node)
    common = {"customer": alice, "group": node.group, "issued_at": NOW, "expires_at": NOW}

    AccessToken.objects.create(name="laptop", **common)
    with pytest.raises(IntegrityError, match="one_current_token_a_name"), transaction.atomic():
        AccessToken.objects.create(**common)


def test_a_token_from_before_names_has_one_in_the_readers_language(alice, node):
    a_grant(alice, node)
    token = AccessToken.objects.get()

    assert token.title == "Main token"
    with translation.override("zh-hans"):
        assert token.title == "默认令牌"
