"""Log lines: a token never stands in one, whatever a library put into its message."""

import json
import logging

import pytest

from config.logs import JsonLine, Line

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
