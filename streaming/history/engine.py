"""The ClickHouse engine as a library, kept in its folder: no statement reads or writes a file, or asks an address.

Its user is granted tables of the MergeTree family alone, so the engine itself refuses every table function, table
engine and backup that leads elsewhere. Three things it does on its client's side without asking for a grant (INTO
OUTFILE, FROM INFILE and the function `file`); those are refused by name before it sees them.
"""

import re
import tempfile
import threading
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from chdb import session

_INSERT = re.compile(rb"^\s*INSERT\s+INTO\s+(.+?)\s+FORMAT\s+(\w+)[ \t]*(?:\r?\n|$)", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(rb"\sFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
DATABASE = "tickpack"
_TABLES = "SHOW, SELECT, INSERT, ALTER TABLE, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP, TRUNCATE, OPTIMIZE"
_GRANTS = (
    f"GRANT {_TABLES} ON *.*",
    "GRANT TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree",
)
_USERS = """<clickhouse>
<profiles><default/></profiles><quotas><default/></quotas>
<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants>{grants}</grants></default></users>
</clickhouse>
"""
_CONFIG = "<clickhouse><users_config>{users}</users_config></clickhouse>\n"
# One token of a statement whose text is no code: a literal or a comment; or a quoted name, whose text is.
_TOKEN = re.compile(
    rb"'(?:[^'\\]|\\.|'')*'|--[^\n]*|#[ !][^\n]*|/\*.*?\*/|(?P<name>`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")", re.DOTALL
)
_LEADS_OUT = re.compile(rb"\b(INFILE|OUTFILE)\b|\b(FILE)\s*\(", re.IGNORECASE)


class StatementRefused(Exception):
    """A statement would reach a file of this machine; the text names what it uses."""


class Engine:
    """The one session of a folder; statements take turns.

    Args:
        folder: made where it is missing; belongs to one process.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config, users = folder / "tickpack-config.xml", folder / "tickpack-users.xml"
        users.write_text(_USERS.format(grants="".join(f"<query>{escape(one)}</query>" for one in _GRANTS)))
        config.write_text(_CONFIG.format(users=escape(str(users))))
        open_session: Any = session.Session  # the library ships no types
        self._session = open_session(f"{folder}?config-file={config}")
        # The library's own database shows files as tables, and needs the grant to read them for any table.
        self._session.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        self._session.query(f"USE {DATABASE}")
        self._lock = threading.Lock()

    def run(self, sql: bytes, *, default_format: str, parameters: dict[str, str]) -> tuple[bytes, int]:
        """Run one statement and return its output and how many rows it read.

        Raises:
            StatementRefused: it would reach a file.
            RuntimeError: the engine refuses it; the text has `Code: N`.
        """
        insert = _INSERT.match(sql)
        has_rows = insert is not None and len(sql) > insert.end()
        guard(insert[0] if insert is not None and has_rows else sql)
        with self._lock:
            if insert is not None and has_rows:
                return self._insert(insert, sql)
            named = _FORMAT.search(sql)
            if named is not None:
                default_format, sql = named[1].decode(), sql[: named.start()]
            result = self._session.query(sql.decode(), default_format, params=parameters)
            return result.bytes() or b"", result.rows_read() or 0

    def _insert(self, insert: re.Match[bytes], sql: bytes) -> tuple[bytes, int]:
        # The library takes statements as text; rows in a binary format reach it only through a file.
        with tempfile.NamedTemporaryFile(suffix=".rows") as rows:
            rows.write(sql[insert.end() :])
            rows.flush()
            table, form = insert[1].decode(), insert[2].decode()
            self._session.query(f"INSERT INTO {table} FROM INFILE '{rows.name}' FORMAT {form}", "CSV")
        return b"", 0

    def close(self) -> None:
        """Close the folder after the running statement."""
        with self._lock:
            self._session.close()


def guard(sql: bytes) -> None:
    """Refuse a statement that names what the engine's grants do not cover.

    Raises:
        StatementRefused: it uses INFILE, OUTFILE or `file`, or hides a name behind escapes.
    """

    def visible(token: re.Match[bytes]) -> bytes:
        name = token["name"]
        if name is None:
            return b" "
        if b"\\" in name:
            raise StatementRefused(f"the quoted name {name.decode(errors='replace')[:60]} has an escape in it")
        return name[1:-1]

    found = _LEADS_OUT.search(_TOKEN.sub(visible, sql))
    if found is not None:
        word = (found[1] or found[2]).decode().upper()
        raise StatementRefused(f"{word} reaches files of this machine; history has tables alone")
