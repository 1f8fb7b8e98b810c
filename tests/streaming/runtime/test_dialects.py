"""Proves that a process speaks every language that wire has a package for, each as one object."""

from pathlib import Path

from streaming.reference import directory
from streaming.runtime.dialects import dialects
from streaming.wire import dialects as packages

FOLDER = Path(packages.__file__).parent


def test_every_package_with_a_socket_is_spoken_under_its_own_name() -> None:
    assert set(dialects()) == {socket.parent.name for socket in FOLDER.glob("*/socket.py")}
    assert {"native", "itick"} <= set(dialects())


def test_a_process_has_one_object_a_language() -> None:
    once, again = dialects(), dialects()

    assert all(again[name] is dialect for name, dialect in once.items())


def test_symbols_are_read_by_the_committed_list() -> None:
    assert all(dialect.directory is directory() for dialect in dialects().values())
