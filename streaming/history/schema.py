"""The tables of history: numbered files of docker/clickhouse, applied in order, once each.

One text serves the embedded engine, a server and a cluster; what differs stands in braces. Every statement may be run
again and by several processes at once, so no lock is needed: a table is made where it is missing, and rows that are
copied replace themselves.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "docker" / "clickhouse"
_FILE = re.compile(r"(\d{3})_\w+\.sql")
_SINGLE, _REPLICATED = "ReplacingMergeTree(", "ReplicatedReplacingMergeTree("
_NOTED = """
CREATE TABLE IF NOT EXISTS schema_changes {on_cluster} (number UInt16, name String, applied_at DateTime('UTC'))
ENGINE = {noting} ORDER BY number
"""

Run = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered file."""

    number: int
    name: str
    text: str

    def statements(self, cluster: str) -> list[str]:
        """Return its statements, in order.

        Args:
            cluster: of a ClickHouse cluster, whose tables are then replicated; "" for one server or the engine.
        """
        return [filled(one, cluster) for one in re.split(r"(?m)^;\s*$", self.text) if one.strip()]


def filled(statement: str, cluster: str) -> str:
    """Return a statement with what stands in braces filled in for one server, or for a cluster by name."""
    path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
    replacing = f"{_REPLICATED}{path}, version)" if cluster else f"{_SINGLE}version)"
    words = {
        "on_cluster": f"ON CLUSTER '{cluster}'" if cluster else "",
        "replacing": replacing,
        "noting": f"{_REPLICATED}{path})" if cluster else "ReplacingMergeTree",
        # A cluster's tables remember inserts by themselves.
        "deduplication": "" if cluster else ", non_replicated_deduplication_window = 1000",
    }
    for word, text in words.items():
        statement = statement.replace(f"{{{word}}}", text)
    return statement.strip()


def changes() -> list[Change]:
    """Return the numbered files, in order."""
    found = [(match, path) for path in sorted(FOLDER.glob("*.sql")) if (match := _FILE.fullmatch(path.name))]
    return [Change(int(match[1]), path.stem, path.read_text(encoding="utf-8")) for match, path in found]


def bring_up(run: Run, cluster: str = "") -> list[str]:
    """Apply the files that have not been applied; return their names.

    Raises:
        whatever `run` raises: a file is noted as applied behind its last statement, so it is begun again.
    """
    run(filled(_NOTED, cluster))
    applied = {int(row[0]) for row in run("SELECT number FROM schema_changes")}
    fresh = [change for change in changes() if change.number not in applied]
    for change in fresh:
        for statement in change.statements(cluster):
            run(statement)
        run(f"INSERT INTO schema_changes VALUES ({change.number}, '{change.name}', now())")  # noqa: S608 - our own names
    return [change.name for change in fresh]
