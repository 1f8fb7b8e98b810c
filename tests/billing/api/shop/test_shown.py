"""How rows look as JSON: instants with their zone, and absent things as null."""

from datetime import UTC, datetime, timedelta, timezone

from billing.api.shop import shown
from billing.domain.stacking import NO_ENTITLEMENT, Entitlement, Segment


def test_an_instant_has_its_zone():
    assert shown.instant(None) is None
    assert shown.instant(datetime(2026, 11, 21, 1, 0, tzinfo=UTC)) == "2026-11-21T01:00:00+00:00"
    assert shown.instant(datetime(2026, 11, 21, 9, 0, tzinfo=timezone(timedelta(hours=8)))).endswith("+08:00")


def test_a_segment_has_its_words_in_order_and_null_for_all():
    has = Entitlement(
        5, 2, frozenset({"HK", "CN"}), frozenset({"L1"}), types=frozenset({"quote", "bar"}), intervals=None
    )

    told = shown.segment(Segment(datetime(2026, 1, 1, tzinfo=UTC), None, has))

    assert told == {
        "since": "2026-01-01T00:00:00+00:00", "until": None, "symbols": 5, "max_connections": 2, "markets": ["CN", "HK"],
        "levels": ["L1"], "types": ["bar", "quote"], "intervals": None,
    }  # fmt: skip
    assert shown.segment(Segment(datetime(2026, 1, 1, tzinfo=UTC), None, NO_ENTITLEMENT))["symbols"] == 0
