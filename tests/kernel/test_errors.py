"""An error says who has to act, by its family's HTTP status, and what happened, in its own words on any interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import accounts.errors
import billing.errors
import kernel.instruments
import kernel.nested
import kernel.scope
import kernel.tokens
import nodes.errors
import streaming.errors
from kernel.errors import Malformed, PlatformError, Refused, Unavailable

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    kernel.errors, kernel.instruments, kernel.nested, kernel.scope, kernel.tokens, accounts.errors, billing.errors, nodes.errors,
    streaming.errors,
)  # fmt: skip
LEAVES = [
    error
    for module in MODULES
    for error in vars(module).values()
    if isinstance(error, type) and issubclass(error, PlatformError) and error.__module__ == module.__name__
]


class Full(Refused):
    message = "There is no room"
    code = "test_full"


@pytest.mark.parametrize(
    ("family", "status"), [(PlatformError, 500), (Refused, 409), (Malformed, 400), (Unavailable, 503)]
)
def test_a_familys_status_says_who_has_to_act(family, status):
    assert family.http_status == status


def test_an_error_says_what_its_class_says():
    error = Full()

    assert (error.message, str(error)) == ("There is no room", "There is no room")


def test_an_error_that_is_told_more_says_that_instead_and_only_itself():
    assert Full("two of two are taken").message == "two of two are taken"
    assert Full().message == "There is no room"


def test_the_answer_carries_code_message_and_numbers():
    assert Full(wanted=6, allowed=5).as_json() == {
        "code": "test_full", "message": "There is no room", "wanted": 6, "allowed": 5,
    }  # fmt: skip


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.code)
def test_every_error_of_these_modules_writes_its_message(error):
    assert vars(error)["message"]


def test_messages_are_the_same_without_docstrings():
    names = ", ".join(module.__name__ for module in MODULES)
    asks = f"import {names}\n" + "\n".join(f"print({one.__module__}.{one.__name__}().message)" for one in LEAVES)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    answer = subprocess.run(
        [sys.executable, "-OO", "-c", asks], env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT,
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert answer.stdout.splitlines() == [one().message for one in LEAVES]
    assert "The plan does not include this market" in answer.stdout
