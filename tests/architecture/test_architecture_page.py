"""docs/architecture.md names the rooms that there are, and every file that it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
ROWS = set(re.findall(r"^\| `([a-z_/]+)` \|", PAGE, re.MULTILINE))


def packages(folder: Path) -> set[str]:
    return {one.parent.name for one in folder.glob("*/__init__.py")}


def test_every_room_has_a_row_and_no_row_is_without_a_room():
    control = {"billing", "nodes", *(f"platform/{name}" for name in packages(ROOT / "platform"))}
    data = {f"streaming/{name}" for name in packages(ROOT / "streaming")}

    assert control | data == ROWS


def test_every_file_and_folder_that_it_names_exists():
    named = set(re.findall(r"`((?:platform|billing|nodes|streaming|docs|docker)/[\w/.]+)`", PAGE))

    assert {name for name in named if not (ROOT / name).exists()} == set()
    assert len(named) > 30
