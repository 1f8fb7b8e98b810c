"""What tests of people start from."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hash passwords with MD5: the real hasher takes a quarter of a second for each customer."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def nobody_was_mailed_yet():
    """allauth limits how often one address is written to, across tests too."""
    cache.clear()
