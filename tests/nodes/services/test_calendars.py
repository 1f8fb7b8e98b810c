"""A notice is compared with what is in force and entered whole, with the rows that tell nodes and ingest."""

from datetime import date

import pytest

from kernel.trading_days import TradingDay
from nodes import selectors
from nodes.domain.notices import read_notice
from nodes.errors import CalendarChanged, NoticeLeavesGap
from nodes.models import CalendarHorizon, CalendarOverride
from nodes.services.calendars import compare_notice, take_notice
from outbox.models import Outbox

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
TODAY = date(2026, 12, 22)
NOTICE_2027 = """
CN 2027-02-05..2027-02-11 closed Spring Festival
CN 2027-04-05 closed Ching Ming
CN 2027 published
"""


def read(text: str):
    return read_notice(text, today=TODAY)


def difference(text: str, **more):
    (found,) = compare_notice(read(text), **more)
    return found


def take(text: str, by: str = "Lin", **more) -> int:
    notice = read(text)
    return take_notice(notice, shown=compare_notice(notice, **more), by=by, **more)


def whats(found) -> dict[str, str]:
    return {str(change.on): change.what for change in found.changes}


def test_a_years_notice_is_shown_before_it_is_entered():
    found = difference(NOTICE_2027)

    assert (found.known, found.presumed) == ((date(2026, 12, 31), date(2027, 12, 31)), 0)
    assert found.months[2027, 2] == (20, 15)
    assert sum(before for before, _ in found.months.values()) == 260  # weekdays but for New Year's Day
    assert sum(after for _, after in found.months.values()) == 254
    assert whats(found) == {f"2027-02-{day:02d}": "same" if day in (6, 7) else "added" for day in range(5, 12)} | {
        "2027-04-05": "added"
    }
    assert not CalendarOverride.objects.exists()
    assert not Outbox.objects.exists()


def test_what_is_entered_is_in_force_and_said_with_the_days_before_the_horizon():
    assert take(NOTICE_2027) == 6

    row = CalendarOverride.objects.get(lane="CN", day_on="2027-02-05")
    assert (row.day, row.note, row.entered_by) == (TradingDay("closed"), "Spring Festival", "Lin")
    assert CalendarHorizon.objects.get(lane="CN").until_on == date(2027, 12, 31)
    kinds = list(Outbox.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["calendar_override"] * 6 + ["calendar_horizon"]
    assert selectors.ending_calendars(TODAY) == {}
    assert difference(NOTICE_2027).is_empty
    assert take(NOTICE_2027) == 0


def test_a_notice_without_the_whole_year_leaves_weekdays_presumed():
    found = difference("CN 2027-02-05 closed")

    assert found.known == (date(2026, 12, 31), date(2026, 12, 31))
    assert found.presumed == 259


def test_guesses_that_a_complete_notice_does_not_name_are_taken_back_unless_they_are_kept():
    CalendarOverride.objects.create(lane="CN", day_on="2027-02-12", kind="closed", note="a guess")
    CalendarOverride.objects.create(lane="CN", day_on="2026-12-30", kind="closed", note="of another year")

    assert whats(difference(NOTICE_2027))["2027-02-12"] == "removed"
    assert "2027-02-12" not in whats(difference(NOTICE_2027, keep=True))
    take(NOTICE_2027)

    assert (
        sorted(map(str, CalendarOverride.objects.filter(note__startswith="a guess").values_list("day_on", flat=True)))
        == []
    )
    assert CalendarOverride.objects.filter(note="of another year").exists()


def test_a_changed_day_is_changed_and_given_back():
    take("HK 2027-07-20 opens 13:30 typhoon")
    assert selectors.changed_days("HK") == {date(2027, 7, 20): TradingDay("full", opens=810)}

    assert whats(difference("HK 2027-07-20 closed worse")) == {"2027-07-20": "changed"}
    take("HK 2027-07-20 closed worse")
    assert whats(difference("HK 2027-07-20 as-published")) == {"2027-07-20": "removed"}
    take("HK 2027-07-20 as-published")

    assert selectors.changed_days("HK") == {}


def test_what_is_published_already_needs_no_override():
    assert difference("HK 2027-02-05 half\nHK 2027-02-08 closed\nHK 2027-02-06..2027-02-07 closed").is_empty


def test_a_notice_of_the_year_after_next_waits_for_the_one_before():
    with pytest.raises(NoticeLeavesGap) as refused:
        compare_notice(read("CN 2028 published"))

    assert refused.value.fields["known"] == date(2026, 12, 31)


def test_nothing_is_entered_that_was_not_shown():
    notice = read("CN 2027-02-05 closed")
    shown = compare_notice(notice)
    CalendarOverride.objects.create(lane="CN", day_on="2027-02-05", kind="half")

    with pytest.raises(CalendarChanged):
        take_notice(notice, shown=shown, by="Lin")

    assert CalendarOverride.objects.get().kind == "half"
