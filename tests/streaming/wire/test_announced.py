"""What comes over the control channel is read whole or refused: a newer panel may speak to an older node."""

import pytest

from streaming.wire.announced import EXAMPLE, read


def test_an_announcement_is_read_with_both_languages():
    found = read(EXAMPLE)

    assert (found.id, found.update, found.kind, found.market, found.ends_at) == (12, 31, "incident", "HK", "")
    assert found.title == {"en": "Hong Kong is late", "zh": "港股行情延迟"}


def test_without_a_market_it_is_for_all_and_unknown_fields_are_passed_over():
    assert read({**EXAMPLE, "market": None, "colour": "red"}).market == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {**EXAMPLE, "kind": "party"},
        {**EXAMPLE, "title": {"en": "x"}},
        {**EXAMPLE, "id": "x"},
        {**EXAMPLE, "text": None},
    ],
)
def test_what_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="no announcement"):
        read(wrong)
