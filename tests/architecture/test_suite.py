"""What every test of the suite may rely on, whichever ran before it."""

import pytest
from django.conf import settings
from django.utils import translation


@pytest.mark.parametrize("asked", ["zh-hans", "en"])
def test_a_test_begins_in_the_language_of_the_shop_whatever_was_asked_before(asked):
    assert translation.get_language() == settings.LANGUAGE_CODE

    translation.activate(asked)
