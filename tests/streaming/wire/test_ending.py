"""The warnings of an end: a day, an hour and a minute before, each once, and again after a renewal."""

from streaming.wire.ending import WARN_BEFORE_S, Ending

DAY, HOUR, MINUTE = WARN_BEFORE_S


def test_as_time_goes_on_each_warning_is_given_once_when_its_time_has_come():
    ending = Ending()

    due = [ending.due(left) for left in (DAY + 1, DAY, DAY - 1, HOUR + 1, HOUR, 61, MINUTE, 1, 0)]

    assert due == [False, True, False, False, True, False, True, False, False]


def test_who_connects_in_the_last_minute_is_warned_once_and_not_three_times():
    ending = Ending()

    assert [ending.due(left) for left in (30, 29)] == [True, False]


def test_a_renewal_takes_the_warnings_back():
    ending = Ending()
    ending.due(30)

    renewed = ending.due(DAY * 30)

    assert not renewed
    assert [ending.due(left) for left in (DAY, HOUR, MINUTE)] == [True, True, True]
