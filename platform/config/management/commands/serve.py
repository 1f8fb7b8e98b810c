"""`manage.py serve`: the one way to run the web and stream process, in ./dev up and in the container alike."""

import gc
import shutil
import signal
import sys
import tempfile
import threading
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from prometheus_client.multiprocess import mark_process_dead

from config.checks import is_loopback
from config.embedded.children import Child
from config.embedded.watching import Watch
from streaming.runtime.process import drain_running
from streaming.server.serving import DrainingServer, listening_socket, server_config

_AGAIN_SECONDS = 0.5  # a process that dies is started again, but not in a tight loop
_LONGEST_DRAIN_SECONDS = 300.0


class Command(BaseCommand):
    help = "Serve HTTP and WebSocket with the limits that Tickpack needs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--graceful-seconds", type=int, default=3)
        parser.add_argument(
            "--drain-seconds", type=float, default=1.0, help="over which its clients are sent away when it is stopped"
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=settings.WORKERS,
            help="processes on the same port, each with a hub of its own",
        )
        parser.add_argument("--share-port", action="store_true", help="for the processes of --workers alone")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["workers"] <= 64:
            raise CommandError(f"--workers {options['workers']} is not a number from 1 to 64")
        if settings.EMBEDDED and not is_loopback(options["host"]):
            raise CommandError(
                f"--host {options['host']} is no address of this machine alone, and TICKPACK_EMBEDDED=1 sells for "
                "nothing with keys that everybody knows; unset TICKPACK_EMBEDDED, or serve on 127.0.0.1"
            )
        try:
            # Also for several: their shared binding would not notice another program's server.
            listening = listening_socket(options["host"], options["port"], shared=options["share_port"])
        except OSError as error:
            raise CommandError(f"port {options['port']} on {options['host']} cannot be had: {error.strerror}") from None
        if options["workers"] > 1 and not options["share_port"]:
            listening.close()
            _Workers(options["workers"], _arguments(options)).run()
            return
        config = server_config(graceful_seconds=options["graceful_seconds"])
        config.load()
        # What is alive now lives as long as the process: keep it out of every later collection.
        gc.collect()
        gc.freeze()
        # A flush makes thousands of short-lived objects; looking for cycles among them every 700 held it up.
        gc.set_threshold(10_000, 20, 20)
        DrainingServer(config, partial(drain_running, options["drain_seconds"])).run(sockets=[listening])


def _arguments(options: dict[str, Any]) -> list[str]:
    names = ("host", "port", "graceful_seconds", "drain_seconds")
    named = [part for name in names for part in (f"--{name.replace('_', '-')}", str(options[name]))]
    return [*named, "--workers", "1", "--share-port"]


class _Workers:
    """Several processes on one port; each dies with us, and one that dies alone is replaced."""

    def __init__(self, count: int, arguments: list[str]) -> None:
        self._counters = tempfile.mkdtemp(prefix="tickpack-metrics-")  # so that any of them can tell all their numbers
        self._watch = Watch(self._say, on_death=lambda pid: mark_process_dead(pid, self._counters))  # type: ignore[no-untyped-call]
        self._commands = [
            Child(
                name=f"server process {number}",
                argv=[sys.executable, sys.argv[0], "serve", *arguments],
                log=None,
                ready=lambda: True,
                env={"PROMETHEUS_MULTIPROC_DIR": self._counters},
            )
            for number in range(1, count + 1)
        ]
        self._stopping = threading.Event()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, which they get too."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        try:
            for child in self._commands:
                self._watch.launch(child)
            while not self._stopping.wait(_AGAIN_SECONDS):
                self._watch.look_after()
        finally:
            # They drain by themselves, and no faster than they were told to.
            self._watch.stop((lambda child: True,), _LONGEST_DRAIN_SECONDS)
            shutil.rmtree(self._counters, ignore_errors=True)

    @staticmethod
    def _say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
