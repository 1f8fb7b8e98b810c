"""Data of the time before the migrations were made anew is recognised, refused in one sentence, and left as it was."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest

from config.embedded.earlier import is_of_an_earlier_version

ROOT = Path(__file__).resolve().parents[3]
TABLE = "CREATE TABLE django_migrations (id integer, app varchar(255), name varchar(255))"
BEFORE = [("billing", "0001_initial"), ("billing", "0002_append_only"), ("nodes", "0002_rt_receiver")]
NOW = [("accounts", "0001_initial"), ("billing", "0001_initial"), ("nodes", "0001_initial")]


@pytest.fixture
def panel(tmp_path):
    """A function that makes the database of an embedded run on SQLite with what was applied to it."""

    def make(applied):
        file = tmp_path / "panel.sqlite3"
        with sqlite3.connect(file) as connection:
            connection.execute(TABLE)
            connection.executemany("INSERT INTO django_migrations (app, name) VALUES (?, ?)", applied)
        connection.close()
        return file

    return make


@pytest.mark.parametrize(("applied", "earlier"), [(BEFORE, True), (NOW, False), ([], False)])
def test_what_was_applied_tells_the_age_of_a_database(panel, applied, earlier):
    assert is_of_an_earlier_version(f"sqlite:///{panel(applied)}") is earlier


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    assert not is_of_an_earlier_version(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_new_database(tmp_path):
    (tmp_path / "panel.sqlite3").touch()

    assert not is_of_an_earlier_version(f"sqlite:///{tmp_path / 'panel.sqlite3'}")


def test_nothing_is_said_of_databases_that_we_do_not_know():
    assert not is_of_an_earlier_version("mysql://127.0.0.1:1/tickpack")


@pytest.mark.whole
def test_postgresql_is_asked_the_same():
    url = os.environ["DATABASE_URL"]
    if not url.startswith("postgres"):
        pytest.skip("PostgreSQL cannot run here")
    name = f"earlier_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    made = f"{url.rsplit('/', 1)[0]}/{name}"

    assert not is_of_an_earlier_version(made)
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute(TABLE)
        for app, migration in BEFORE:
            connection.execute("INSERT INTO django_migrations (app, name) VALUES (%s, %s)", (app, migration))
    assert is_of_an_earlier_version(made)
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO django_migrations (app, name) VALUES ('accounts', '0001_initial')")
    assert not is_of_an_earlier_version(made)


@pytest.mark.whole
def test_dev_up_on_an_earlier_folder_says_in_one_sentence_what_to_do_and_deletes_nothing(panel, tmp_path):
    file = panel(BEFORE)
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    named = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CLICKHOUSE_URL")
    environment = {name: value for name, value in os.environ.items() if name not in named}

    command = [sys.executable, "manage.py", "up", "--var", str(tmp_path), "--db", "sqlite", "--port", "0"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)

    [sentence] = [line for line in run.stdout.splitlines() if line.startswith("Tickpack stops:")]
    assert sentence == (
        f"Tickpack stops: {tmp_path} was made by an earlier version of Tickpack, whose data this one cannot take over; "
        "move that folder away, or choose another one with --var DIR"
    )
    assert run.returncode == 1
    assert "Traceback" not in run.stdout + run.stderr
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
    assert not (tmp_path / "log" / "ingest.log").exists()  # nothing of ours was started on it


@pytest.mark.whole
def test_of_a_database_that_the_environment_names_it_says_so(panel, tmp_path):
    command = [sys.executable, "manage.py", "up", "--var", str(tmp_path / "var"), "--port", "0"]
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{panel(BEFORE)}", "CLICKHOUSE_URL": "http://127.0.0.1:1"}

    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)

    assert run.returncode == 1
    assert "the database that DATABASE_URL names was made by an earlier version" in run.stdout
    assert "name an empty one" in run.stdout
