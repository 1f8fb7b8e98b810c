"""Fixtures of the control plane's tests; each directory's conftest takes those that it needs."""

import pytest

from tests import factories


@pytest.fixture
def keys_dir(tmp_path, settings):
    """An own folder of signing keys with one key in it."""
    from billing.services import keys

    settings.TOKEN_KEYS_DIR = str(tmp_path / "keys")
    keys.ensure_key(now=factories.NOW)
    return tmp_path / "keys"


@pytest.fixture
def node(db):
    return factories.a_node()


@pytest.fixture
def alice(db):
    return factories.a_customer("alice")


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hash passwords with MD5: the real hasher takes a quarter of a second for each customer."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
