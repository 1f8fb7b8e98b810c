"""Tells a database of the time before the migrations were made anew, which Django would meet with a traceback."""

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

# The shop's tables were there before people had an app of their own.
_APPLIED = "SELECT app FROM django_migrations WHERE app IN ('billing', 'accounts')"


def is_of_an_earlier_version(url: str) -> bool:
    """Tell whether a database was made by a version whose data this one cannot take over. Changes nothing in it.

    Args:
        url: as DATABASE_URL; of other databases than PostgreSQL and SQLite nothing is known.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        apps = _apps_in_sqlite(Path(url.removeprefix("sqlite:///")))
    elif scheme in ("postgres", "postgresql"):
        apps = _apps_in_postgresql(url)
    else:
        apps = set()
    return "billing" in apps and "accounts" not in apps


def _apps_in_sqlite(file: Path) -> set[str]:
    if not file.exists():
        return set()
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return {app for (app,) in connection.execute(_APPLIED)}
    except sqlite3.OperationalError:
        return set()  # no such table: nothing was ever migrated here
    finally:
        connection.close()


def _apps_in_postgresql(url: str) -> set[str]:
    import psycopg
    from psycopg.errors import UndefinedTable

    with psycopg.connect(url, autocommit=True) as connection:
        try:
            return {app for (app,) in connection.execute(_APPLIED).fetchall()}
        except UndefinedTable:
            return set()
