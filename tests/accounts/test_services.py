"""A person chooses the language that they are written to in."""

import pytest

from accounts.models import Customer
from accounts.services import choose_language
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_language_that_we_have_is_kept():
    alice = a_customer("alice")

    assert choose_language(customer=alice, language="zh-hans")
    assert (alice.language, Customer.objects.get().language) == ("zh-hans", "zh-hans")


@pytest.mark.parametrize("language", ["", "fr", "zh", "x" * 300])
def test_one_that_we_have_not_changes_nothing(language):
    alice = a_customer("alice", language="zh-hans")

    assert not choose_language(customer=alice, language=language)
    assert Customer.objects.get().language == "zh-hans"
