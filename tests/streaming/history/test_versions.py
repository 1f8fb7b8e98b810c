"""The better source's bar stands above; of one source the newer one does."""

import pytest

from streaming.history.versions import version_of


def test_what_is_filled_in_never_stands_above_what_was_live_and_a_repair_does() -> None:
    now_ms = 1_795_000_000_000

    ranked = [version_of(source, now_ms) for source in ("minutes", "import", "backfill", "live", "repair")]

    assert ranked == sorted(ranked)
    assert version_of("import", 10**14 - 1) < version_of("backfill", 0)
    assert version_of("live", now_ms) < version_of("live", now_ms + 1)
    assert version_of("live", now_ms) == 3 * 10**14 + now_ms  # what the change of tables wrote for old rows


@pytest.mark.parametrize(("source", "version"), [("nobody", 1), ("live", -1), ("live", 10**14)])
def test_a_source_that_nobody_knows_and_a_version_that_does_not_fit_are_refused(source: str, version: int) -> None:
    with pytest.raises(ValueError, match=r"source|version"):
        version_of(source, version)
