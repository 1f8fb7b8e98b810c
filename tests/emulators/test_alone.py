"""Emulators and what is tested share no line: a mistake in a helper of both would be right on both sides."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"billing", "config", "kernel", "accounts", "outbox", "support", "content", "panel", "ops", "nodes", "streaming"}


def imports(file: Path) -> set[str]:
    found = set()
    for one in ast.walk(ast.parse(file.read_text())):
        if isinstance(one, ast.Import):
            found |= {name.name for name in one.names}
        if isinstance(one, ast.ImportFrom) and one.module:
            found.add(one.module)
    return found


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "emulators").glob("[!t]*.py")), ids=lambda file: file.name)
def test_an_emulator_imports_nothing_of_the_shop(file):
    named = imports(file)

    assert {name for name in named if name.split(".")[0] in OURS} == set()
    assert {name for name in named if name.startswith("tests.") and not name.startswith("tests.emulators")} == set()
    assert not any(name.split(".")[0] == "cryptography" for name in named)  # what we sign with


def test_the_shop_imports_no_emulator():
    for folder in ("billing", "platform", "nodes", "streaming"):
        for file in (ROOT / folder).rglob("*.py"):
            assert not any(name.split(".")[0] == "tests" for name in imports(file)), file
