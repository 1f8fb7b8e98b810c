"""Every kind of report has one owner."""

import pytest

from outbox import report_kinds


@pytest.fixture(autouse=True)
def kinds_of_a_test(monkeypatch):
    monkeypatch.setattr(report_kinds, "_known", dict(report_kinds._known))


def test_a_kind_is_found_with_the_versions_that_it_reads():
    report_kinds.register("weather", handler=print, versions=frozenset({"1", "2"}))

    kind = report_kinds.find("weather")

    assert (kind.name, kind.handler, kind.versions) == ("weather", print, {"1", "2"})
    assert report_kinds.find("climate") is None


def test_version_1_is_what_a_handler_reads_unless_it_says_more():
    report_kinds.register("weather", handler=print)

    assert report_kinds.find("weather").versions == {"1"}


def test_registering_again_the_same_is_harmless_and_another_is_refused():
    report_kinds.register("weather", handler=print)
    report_kinds.register("weather", handler=print)

    with pytest.raises(ValueError, match="weather"):
        report_kinds.register("weather", handler=repr)
