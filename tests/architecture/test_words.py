"""The repository speaks for itself: it names no paper that is not in it."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Written apart, so that this file does not name them either.
PAPERS = re.compile(
    "|".join((r"\bDESI" + "GN\b", r"\bSTY" + r"LE section", "failure-" + r"modes", "fan-" + r"out\.md", "set" + r"up\.md",
              "hou" + r"se\.md", "provid" + r"ers\.md", r"reference/paym" + r"ents\.md", "protoc" + r"ols\.md",
              r"\b[Ss]ee" + r"ds? 0{0,2}\d\b"))
)  # fmt: skip
_DATA = ("tests/streaming/documents/asyncapi", "locale/", "static/vendor/", "requirements.lock")


def test_no_file_names_a_paper_that_is_not_here() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if name.startswith(_DATA) or not path.is_file():
            continue
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        named += [f"{name}:{number}" for number, line in enumerate(lines, 1) if PAPERS.search(line)]

    assert named == []


def test_what_customers_read_names_no_source_of_this_project() -> None:
    files = [ROOT / "docs" / "protocol.md", ROOT / "CHANGELOG.md", *(ROOT / "templates").rglob("*.html")]

    named = [file.name for file in files if re.search(r"\bse" + r"eds?\b", file.read_text(), re.IGNORECASE)]

    assert (named, len(files) > 10) == ([], True)
