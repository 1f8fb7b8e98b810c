"""The one reader of the system clock says the same instant in both of its forms."""

from datetime import UTC, timedelta

from kernel.clock import now_ms, utc_now


def test_the_present_instant_is_aware_and_in_utc():
    assert utc_now().tzinfo is UTC


def test_both_forms_say_the_same_instant():
    before, between, after = utc_now(), now_ms(), utc_now()

    # A millisecond is cut off, so the number may be up to one behind.
    assert (before - timedelta(milliseconds=1)).timestamp() * 1000 <= between <= after.timestamp() * 1000
