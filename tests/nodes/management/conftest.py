"""Commands that ask somebody."""

import sys

import pytest


@pytest.fixture
def terminal(monkeypatch):
    """Somebody sits at a terminal and types an answer."""

    def answers(text):
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda asked: text)

    return answers
