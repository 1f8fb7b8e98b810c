"""What tests of texts and announcements start from."""

import pytest

from content.services import announcing
from tests.factories import NOW, a_customer
from tests.people import alice, keys_dir, node, quick_passwords

__all__ = ["alice", "keys_dir", "node", "quick_passwords"]


@pytest.fixture
def operator(db):
    return a_customer("operator", is_staff=True)


@pytest.fixture
def announce(operator):
    """Announce with what a test does not care about filled in; returns the announcement."""

    def announced(kind="incident", title="Late", now=NOW, **more):
        usual = {
            "title_en": title, "title_zh": "延迟", "text_en": "We look into it.", "text_zh": "正在排查。", "by": operator,
        }  # fmt: skip
        return announcing.announce(kind=kind, now=now, **{**usual, **more}).announcement

    return announced
