"""The deployment of docker/compose.yaml without Docker: its services as they are named there, on servers of the machine.

Of compose's values only addresses are replaced (a container's name by a port of 127.0.0.1), and four are added that an
operator with servers of their own would have: TLS to both Redis and to history, and a PgBouncer.
"""

import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from config.embedded import servers as embedded
from config.embedded.children import Child, free_port, port_answers
from tests.deployment import servers
from tests.deployment.certificates import make_certificates
from tests.deployment.compose import OURS, ROOT, Compose
from tests.deployment.mailbox import Mailbox

DOMAIN = "shop.example"
# Every character that means something in an address.
ODD = "/a#b?c%d@e:f%2F"
SECRETS = {
    "SECRET_KEY": f"{ODD}{'0123456789abcdefghijklmnopqrstuvwxyz' * 2}",
    "POSTGRES_PASSWORD": f"owner{ODD}",
    "POSTGRES_APP_PASSWORD": f"shop{ODD}",
    "REDIS_PASSWORD": f"data{ODD}",
    "BROKER_PASSWORD": f"broker{ODD}",
    "CLICKHOUSE_PASSWORD": f"history{ODD}0123",
    "TICKPACK_METRICS_TOKEN": f"metrics{ODD}",
    "EMAIL_HOST_PASSWORD": f"mail{ODD}",
}
# What the image gives, and what this machine needs beside: where things lie, whom to trust, which clock.
IMAGE = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "STATIC_ROOT", "TICKPACK_VAR"}
MACHINE = {
    "PYTHONPATH", "PYTHONPYCACHEPREFIX", "SSL_CERT_FILE", "PWD", "OLDPWD",
    "LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC", "FAKETIME_SHARED",
}  # fmt: skip
LATE = {"node", "ingest"}  # their clocks are five seconds behind everybody else's


_NO_OTHER_PORT = "{\n\tadmin off\n\tauto_https disable_redirects\n"  # how a Caddyfile begins here


@cache
def separated() -> list[str]:
    """Return what runs a command with mounts of its own; where the machine allows neither way, what asks is skipped."""
    for way in (["unshare", "--mount"], ["unshare", "--mount", "--user", "--map-root-user"]):
        with suppress(OSError):
            if (
                subprocess.run(
                    [*way, "mount", "-t", "tmpfs", "none", "/srv"], capture_output=True, check=False
                ).returncode
                == 0
            ):
                return way
    pytest.skip("this user may make no namespaces here; mend it with: sudo ./dev test tests/deployment")


class Stack:
    """All of it. `children` has each service and server by its name."""

    def __init__(self) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="tickpack-deployment-"))
        self.public, self.keys = self.var / "public", self.var / "keys"
        for folder in (self.public, self.keys, self.var / "log"):
            folder.mkdir()
        make_certificates(self.public, DOMAIN, "localhost")
        (self.public / "server.key").rename(self.var / "server.key")
        shutil.copy(self.public / "server.pem", self.var / "server.pem")
        self._until, self.children = ExitStack(), dict[str, Child]()
        self.mailbox = self._until.enter_context(Mailbox(self.var))
        self.tls = ssl.create_default_context(cafile=str(self.public / "ca.pem"))
        self.port = {name: free_port() for name in ("web", "node", "caddy", "history")}
        self._make_stores()
        self.compose = Compose(
            {
                **SECRETS, "TICKPACK_DOMAIN": DOMAIN, "TICKPACK_FEED": "simulated", "EMAIL_HOST": "127.0.0.1",
                "EMAIL_PORT": str(self.mailbox.port), "EMAIL_HOST_USER": "shop", "DATABASE_PGBOUNCER": "1",
                "DEFAULT_FROM_EMAIL": f"Shop <no-reply@{DOMAIN}>", "TICKPACK_PROXY_ADDRESS": "127.0.0.1",
            }
        )  # fmt: skip
        self._make_services()

    def _make_stores(self) -> None:
        password, port = SECRETS, self.port
        postgres, port["postgres"], _ = servers.postgres(self.var, password["POSTGRES_PASSWORD"])
        pgbouncer, port["pgbouncer"] = servers.pgbouncer(
            self.var, port["postgres"], "tickpack_app", password["POSTGRES_APP_PASSWORD"], postgres.identity
        )
        data, port["data"] = servers.redis("redis-data", self.var, self.public, password["REDIS_PASSWORD"], keep=True)
        broker, port["broker"] = servers.redis(
            "redis-broker", self.var, self.public, password["BROKER_PASSWORD"], keep=False
        )
        engine, url = embedded.clickhouse(self.var, password["CLICKHOUSE_PASSWORD"])
        before_it = (
            _NO_OTHER_PORT
            + "}\n"
            + self._site(f"https://127.0.0.1:{port['history']}")
            + (
                "\treverse_proxy http://" + url.rpartition("@")[2].partition("/")[0] + " {\n"
                "\t\theader_up Host {upstream_hostport}\n\t}\n}\n"
            )
        )
        proxy = servers.caddy("clickhouse", self.var, before_it, port["history"])
        self.children |= {"postgres": postgres, "pgbouncer": pgbouncer, "redis-data": data, "redis-broker": broker}
        self.children |= {"history": engine, "clickhouse": proxy}

    def _site(self, address: str) -> str:
        """Return how a site of a Caddyfile begins here: no certificate is asked for."""
        return f"{address} {{\n\ttls {self.public / 'server.pem'} {self.var / 'server.key'}\n"

    def _make_services(self) -> None:
        asked = (ROOT / "docker" / "Caddyfile").read_text()
        begin = "{$TICKPACK_DOMAIN}:8443 {\n"
        assert (asked[:2], asked.count(begin)) == ("{\n", 1)
        asked = _NO_OTHER_PORT + asked[2:].replace(begin, self._site(f"{DOMAIN}:{self.port['caddy']}"))
        # Debian's Caddy is a 2.6; what 2.7 added is for a Caddy that is itself loaded anew.
        asked = asked.replace("\t\t\tstream_close_delay 30s\n", "")
        asked = asked.replace("web:8000", f"127.0.0.1:{self.port['web']}")
        asked = asked.replace("node:8000", f"127.0.0.1:{self.port['node']}")
        ready = {"web": lambda: port_answers(self.port["web"]), "node": lambda: port_answers(self.port["node"])}
        for name in OURS:
            argv = self.contained(name, ["docker/entrypoint.sh", *self._command(name)])
            log = self.var / "log" / f"{name}.log"
            self.children[name] = Child(name, argv, log, ready.get(name, lambda: True))
        self.children["caddy"] = servers.caddy("caddy", self.var, asked, self.port["caddy"])

    def _command(self, service: str) -> list[str]:
        port = str(self.port.get(service, ""))
        return [port if word == "8000" else word for word in self.compose.command(service)]

    def environment(self, service: str) -> dict[str, str]:
        """What compose gives a service, with the addresses of this machine."""
        authority, port = "ssl_ca_certs=/srv/ca.pem", self.port
        sql = port["postgres" if service == "migrate" else "pgbouncer"]
        places = {
            "@postgres/": f"@127.0.0.1:{sql}/",
            "redis://redis-data:6379/0": f"rediss://127.0.0.1:{port['data']}/0?{authority}",
            "redis://redis-broker:6379/0": f"rediss://127.0.0.1:{port['broker']}/0?{authority}",
            "http://tickpack@clickhouse:8123/tickpack":
                f"https://tickpack@127.0.0.1:{port['history']}/tickpack?ca_cert=/srv/ca.pem",
            "http://web:8000/": f"http://127.0.0.1:{port['web']}/",
            f"{DOMAIN}:8443": f"{DOMAIN}:{port['caddy']}",
        }  # fmt: skip
        made = self.compose.environment(service)
        for name in made:
            for there, here in places.items():
                made[name] = made[name].replace(there, here)
        return made

    def contained(self, service: str, command: list[str], environment: dict[str, str] | None = None) -> list[str]:
        """Return the command line that runs a command as a service's container would."""
        env = {
            "PATH": f"{ROOT / '.venv' / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1", "STATIC_ROOT": "/srv/static", "TICKPACK_VAR": "/var/lib/tickpack",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "SSL_CERT_FILE": "/srv/ca.pem",
            **({"PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"]} if "PYTHONPYCACHEPREFIX" in os.environ else {}),
            **(environment if environment is not None else self.environment(service)),
        }  # fmt: skip
        if service in LATE:
            env |= {"LD_PRELOAD": servers.faketime(), "FAKETIME": "-5s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
            env["PYTHONPATH"] += f":{ROOT / 'tests' / 'deployment' / 'late_clock'}"
        keys = any("keys:" in volume for volume in self.compose.services[service].get("volumes", []))
        begin = ["env", "-i", *(f"{name}={value}" for name, value in env.items()), *separated()]
        inside = ["sh", str(ROOT / "tests" / "deployment" / "contained.sh"), str(ROOT), str(self.public)]
        return [*begin, *inside, str(self.keys) if keys else "", *command]

    # -- running it --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        stores = ("postgres", "redis-data", "redis-broker", "history", "clickhouse")
        for name in stores:
            self.children[name].start()
        self._collect_static()
        for name in stores:
            self.children[name].wait_ready()
        servers.run_initdb_scripts(
            self.port["postgres"], SECRETS["POSTGRES_PASSWORD"], SECRETS["POSTGRES_APP_PASSWORD"]
        )
        self.children["pgbouncer"].start()
        self.children["pgbouncer"].wait_ready()
        migrate = self.children["migrate"]
        migrate.start()
        assert migrate.process is not None
        assert migrate.process.wait(300) == 0, migrate.last_words()
        running = ("web", "node", "ingest", "control", "beat", "caddy")
        for name in running:
            self.children[name].start()
        for name in running:
            self.children[name].wait_ready()

    def _collect_static(self) -> None:
        """Do what the Dockerfile does when the image is made, by its own words."""
        (line,) = [one for one in (ROOT / "docker" / "Dockerfile").read_text().splitlines() if "collectstatic" in one]
        words = line.strip().removeprefix("&& ").removesuffix(" \\")
        words = words.replace("/app/staticfiles", str(self.public / "static")).replace("/venv", str(ROOT / ".venv"))
        env = {"PATH": os.environ["PATH"]}
        done = subprocess.run(["sh", "-c", words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        for child in self.children.values():
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGCONT)  # a stopped one hears nothing else
        names = list(reversed(self.children))
        for name in names:
            self.children[name].ask_to_stop()
        for name in names:
            self.children[name].make_sure_stopped(time.monotonic() + 8)
        self._until.close()
        shutil.rmtree(self.var, ignore_errors=True)

    def run_in(self, service: str, code: str, environment: dict[str, str] | None = None) -> Any:
        """Run a program as `docker compose exec SERVICE python -c` does; return the JSON that it prints last."""
        begin = "import os, json, django\nos.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'\ndjango.setup()\n"
        argv = self.contained(service, ["python", "-c", begin + code], environment)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    def manage(self, service: str, *arguments: str, **environment: str) -> str:
        argv = self.contained(
            service, ["python", "manage.py", *arguments], {**self.environment(service), **environment}
        )
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    @contextmanager
    def without(self, name: str, *, how: str, seconds: float = 10) -> Iterator[None]:
        """Take a server away, for that long at least: "stopped", or "frozen", which takes connections and says nothing."""
        child, began = self.children[name], time.monotonic()
        assert child.process is not None
        if how == "frozen":
            child.process.send_signal(signal.SIGSTOP)
        else:
            child.ask_to_stop()
            child.make_sure_stopped(time.monotonic() + 8)
        try:
            yield
            time.sleep(max(0.0, began + seconds - time.monotonic()))
        finally:
            if how == "frozen":
                child.process.send_signal(signal.SIGCONT)
            else:
                child.start()
                child.wait_ready()

    def inside(self, name: str) -> Path:
        """Return /proc/PID of a running service: its environment, and under `root` what it sees of the machine."""
        process = self.children[name].process
        assert process is not None
        return Path("/proc") / str(process.pid)

    def log(self, name: str) -> str:
        return (self.var / "log" / f"{name}.log").read_text(errors="replace")
