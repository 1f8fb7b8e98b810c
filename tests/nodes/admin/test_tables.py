"""Tables inside a row's page: one place writes them, so that none is without looks."""

from pathlib import Path

from nodes.admin.tables import table

ROOT = Path(__file__).resolve().parents[3]


def test_a_table_has_its_looks_a_title_and_no_foreign_markup():
    text = table(("one", "two"), [("<b>", 2)], title="sh")

    assert text.startswith('<p>sh</p><div class="ops-table"><table><thead><tr><th scope="col">one</th>')
    assert "<td>&lt;b&gt;</td><td>2</td>" in text
    assert table(("one",), []).startswith('<div class="ops-table">')


def test_nobody_else_writes_a_table_for_the_admin():
    sources = [
        path for part in ("billing/admin", "nodes/admin", "platform") for path in (ROOT / part).rglob("*.py")
        if "admin" in path.relative_to(ROOT).as_posix()
    ]  # fmt: skip
    writers = {path.name for path in sources if "<table" in path.read_text()}

    assert writers == {"tables.py"}
