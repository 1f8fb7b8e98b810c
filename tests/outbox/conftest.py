"""What tests of the outbox start from: kinds of rows and of reports that exist for one test."""

import pytest

from outbox import kinds
from tests.people import alice, quick_passwords

__all__ = ["alice", "carried", "kinds_of_a_test", "quick_passwords"]


@pytest.fixture
def kinds_of_a_test(monkeypatch):
    """Kinds that are registered from here on are forgotten after the test."""
    monkeypatch.setattr(kinds, "_known", dict(kinds._known))
    return kinds


@pytest.fixture
def carried(kinds_of_a_test):
    """What the transport of the kind `note` was handed, in order: (payload, language)."""
    from django.utils.translation import get_language

    handed = []
    kinds_of_a_test.register(
        "note", label="note", prepare=lambda payload, now: (payload, get_language()), transport=handed.append
    )
    return handed
