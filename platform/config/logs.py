"""How log lines look: for people, or one JSON object a line for machines; a token never stands in either."""

import json
import logging
import re
from datetime import UTC, datetime

from config.databases import is_away

# Its dots may come encoded, also more than once: %2E, %252e.
_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.|%(?:25)*2[eE])[\w-]{8,}(?:\.|%(?:25)*2[eE])[\w-]*", re.ASCII)
# Other systems' clients put it into the URL, whole or not: whatever stands there is none of a log's business.
_IN_QUERY = re.compile(r"((?:api_key|apikey|token)(?:=|%(?:25)*3D))(?!\{)[^&\s\"'<>]+", re.ASCII | re.IGNORECASE)


def redacted(text: str) -> str:
    """Return a text without the tokens in it: an exception of a library may quote a header or a URL."""
    return _IN_QUERY.sub(r"\1[token]", _TOKEN.sub("[token]", text))


class Brief(logging.Filter):
    """Takes the traceback from lines whose cause is outside: what a stranger sent, or a database that is away."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if record.name.startswith("django.security") or is_away(error):
            if error is not None and not record.name.startswith("django.security"):
                record.msg, record.args = f"{record.getMessage()} ({type(error).__name__}: {error})".split("\n")[0], ()
            record.exc_info, record.exc_text = None, None
        return True


class Line(logging.Formatter):
    """Time, level, logger, message."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


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
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return redacted(json.dumps(told, ensure_ascii=False, default=str))
