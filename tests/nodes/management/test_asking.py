"""A command asks at a terminal; without one it says what to do."""

import sys

import pytest
from django.core.management.base import CommandError

from nodes.management.asking import agreed


@pytest.mark.parametrize(("answer", "means"), [("y", True), (" YES ", True), ("", False), ("n", False), ("yup", False)])
def test_only_a_yes_is_a_yes(terminal, answer: str, means: bool) -> None:
    terminal(answer)

    assert agreed("notice.txt") is means


@pytest.mark.parametrize(("source", "terminal"), [("-", True), ("notice.txt", False)])
def test_where_nobody_can_be_asked_the_text_says_what_to_do(monkeypatch, source: str, terminal: bool) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal, raising=False)

    with pytest.raises(CommandError, match="run this again with --yes"):
        agreed(source)
