"""What tests of people start from."""

import pytest
from django.core.cache import cache

from tests.people import quick_passwords

__all__ = ["nobody_was_mailed_yet", "quick_passwords"]


@pytest.fixture(autouse=True)
def nobody_was_mailed_yet():
    """allauth limits how often one address is written to, across tests too."""
    cache.clear()
