"""Golden requests and answers of each dialect, tests/samples: every one says which page or seed it follows."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.streaming.conftest import make_token

pytestmark = pytest.mark.whole
FILES = sorted((Path(__file__).resolve().parents[2] / "samples").glob("*/*.json"))
ALL = {file: json.loads(file.read_text()) for file in FILES}
GOLDEN = {file: doc for file, doc in ALL.items() if "request" in doc}
_UNKNOWN = {
    "<text>": lambda value: isinstance(value, str) and value != "",
    "<ms>": lambda value: type(value) is int and value > 10**12,
    "<ms text>": lambda value: isinstance(value, str) and re.fullmatch("[0-9]{13}", value),
}


def like(wanted: Any, told: Any) -> Any:
    """Return what was told, with the placeholders of what was wanted where they hold."""
    if isinstance(wanted, str) and wanted in _UNKNOWN:
        return wanted if _UNKNOWN[wanted](told) else told
    if isinstance(wanted, dict) and isinstance(told, dict):
        return {name: like(wanted.get(name), value) for name, value in told.items()}
    if isinstance(wanted, list) and isinstance(told, list) and len(wanted) == len(told):
        return [like(one, other) for one, other in zip(wanted, told, strict=True)]
    return told


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_answer_is_the_golden_one(file, rest):
    doc = GOLDEN[file]
    request, headers, path = doc["request"], {}, doc["request"]["path"]
    where, _, name = request["token_in"].partition(" ")
    if where == "header":
        headers[name] = make_token()
    elif where == "query":
        path += f"{'&' if '?' in path else '?'}{name}={make_token()}"

    if "/market/status" in path:
        rest.hk.write()  # a market that says nothing for six seconds is judged by its calendar
        time.sleep(0.2)
    got = rest.get(path, None, method=request["method"], headers=headers, json=request.get("json"))

    assert (got.status_code, like(doc["answer"], got.json())) == (doc["status"], doc["answer"])
    assert got.headers["content-type"] == "application/json"


def test_every_sample_says_where_it_is_from():
    assert len(ALL) > 40
    assert [file.name for file, doc in ALL.items() if not doc.get("source")] == []
