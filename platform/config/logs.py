"""How log lines look: for people, or one JSON object a line for machines; a token never stands in either."""

import json
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

import redis
from celery.beat import SchedulingError
from kombu.exceptions import OperationalError as BrokerAway

from config import request_ids
from config.databases import is_away

# Its dots may come encoded, also more than once: %2E, %252e.
_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.|%(?:25)*2[eE])[\w-]{8,}(?:\.|%(?:25)*2[eE])[\w-]*", re.ASCII)
# Other systems' clients put it into the URL, whole or not: whatever stands there is none of a log's business.
_IN_QUERY = re.compile(r"((?:api_key|apikey|token)(?:=|%(?:25)*3D))(?!\{)[^&\s\"'<>]+", re.ASCII | re.IGNORECASE)


# A customer's API key (accounts.services); its first ten characters may stand where people tell keys apart.
_API_KEY = re.compile(r"tpk_[0-9A-Za-z]{12,}", re.ASCII)
_SAY_AGAIN_SECONDS = 60.0


def redacted(text: str) -> str:
    """Return a text without the tokens in it: an exception of a library may quote a header or a URL."""
    return _IN_QUERY.sub(r"\1[token]", _API_KEY.sub("[key]", _TOKEN.sub("[token]", text)))


class Brief(logging.Filter):
    """Takes the traceback from lines whose cause is outside: what a stranger sent, or a store that is away.

    Of a store that is away each kind of line is said once a minute, with how many were left out: beat alone wrote more
    than a megabyte of tracebacks in a minute without its broker.
    """

    def __init__(self, name: str = "", now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name)
        self._now = now
        self._said: dict[tuple[str, str], tuple[float, int]] = {}  # kind of line -> when it was said, how many since

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, SchedulingError):
            error = error.__context__  # beat's own wrapping of whatever kept it from offering a task
        if record.name.startswith("django.security"):
            record.exc_info, record.exc_text = None, None
            return True
        if error is None or not _is_a_store_away(error):
            return True
        # Celery puts a whole stack into the text itself.
        text = record.getMessage().strip().split("\n")[0]
        at, left_out = self._said.get(kind := (record.name, type(error).__name__), (float("-inf"), 0))
        if self._now() - at < _SAY_AGAIN_SECONDS:
            self._said[kind] = (at, left_out + 1)
            return False
        more = f"; {left_out} more in the last minute" if left_out else ""
        self._said[kind] = (self._now(), 0)
        why = str(error).strip().split("\n")[0]
        record.msg, record.args = f"{text} ({type(error).__name__}: {why}{more})", ()
        record.exc_info, record.exc_text = None, None
        return True


def _is_a_store_away(error: BaseException) -> bool:
    stores = ConnectionError | BrokerAway | redis.ConnectionError | redis.TimeoutError
    return is_away(error) or isinstance(error, stores)


class Line(logging.Formatter):
    """Time, level, logger, message, and the number of the request that it is about."""

    def format(self, record: logging.LogRecord) -> str:
        number = request_ids.current.get()
        return redacted(super().format(record) + (f" [request {number}]" if number else ""))


class JsonLine(logging.Formatter):
    """The same as an object: time (UTC), level, logger, message, process, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if number := request_ids.current.get():
            told["request"] = number
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return redacted(json.dumps(told, ensure_ascii=False, default=str))
