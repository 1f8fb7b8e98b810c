"""Log lines: a token never stands in one, whatever a library put into its message."""

import json
import logging
import sys

import pytest
import redis
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerAway

from config.logs import Brief, JsonLine, Line

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"


def record(message: str, *args: object, exc_info: object = None) -> logging.LogRecord:
    return logging.LogRecord("streaming", logging.WARNING, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]


@pytest.mark.parametrize("formatter", [Line("{levelname} {message}", style="{"), JsonLine()])
def test_a_token_is_cut_out(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(f"GET /realtime/hk?token={TOKEN}")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    line = formatter.format(record("refused %s", f"Bearer {TOKEN}", exc_info=exc_info))
    assert "canary" not in line
    assert TOKEN not in line
    assert line.count("[token]") == 2


def test_a_json_line_is_one_object() -> None:
    told = json.loads(JsonLine().format(record("lane %s: %s", "CN", 'two\nlines "quoted"')))
    assert (told["level"], told["logger"], told["message"]) == ("WARNING", "streaming", 'lane CN: two\nlines "quoted"')
    assert told["time"].endswith("+00:00")


class Said:
    """What reaches a log through the filter, with a clock of the test's own."""

    def __init__(self) -> None:
        self.now_s, self.filter = 0.0, Brief(now=lambda: self.now_s)

    def say(self, message: str, error: BaseException | None, name: str = "celery.beat") -> str | None:
        try:
            if error is not None:
                raise error
        except BaseException:
            exc_info = sys.exc_info()
        else:
            exc_info = None
        one = logging.LogRecord(name, logging.ERROR, __file__, 1, message, (), exc_info)  # type: ignore[arg-type]
        return Line("%(message)s").format(one) if self.filter.filter(one) else None


AWAY = [BrokerAway("Error 111 connecting"), redis.ConnectionError("Error 111"), OperationalError("server closed")]


@pytest.mark.parametrize("error", AWAY)
def test_a_store_that_is_away_is_one_line_a_minute_with_the_count(error):
    said = Said()
    lines = []
    for number in range(1_200):  # beat without its broker for two minutes
        said.now_s = number / 10
        lines.append(said.say("Message Error: none\n  File a.py\n  File b.py", error))

    first, second = [line for line in lines if line is not None]
    assert first == f"Message Error: none ({type(error).__name__}: {error})"
    assert "599 more" in second


def test_a_fault_of_ours_keeps_its_traceback_and_every_line():
    said = Said()
    assert all("Traceback" in (said.say("it broke", KeyError("plan")) or "") for _ in range(3))
