"""`manage.py serve`: the one way to run the web and stream process, in ./dev up and in the container alike."""

import gc
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand, CommandError

from streaming.fanout.websocket import MAX_MESSAGE_BYTES, WireProtocol, listening_socket


class Command(BaseCommand):
    help = "Serve HTTP and WebSocket with the limits that Tickpack needs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--graceful-seconds", type=int, default=3)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            listening = listening_socket(options["host"], options["port"])
        except OSError as error:
            raise CommandError(f"port {options['port']} on {options['host']} cannot be had: {error.strerror}") from None
        config = uvicorn.Config(
            "config.asgi:application",
            ws=WireProtocol,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_max_queue=8,
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # the hub asks for signs of life (streaming.fanout.beats), without a timer a socket
            access_log=False,  # it prints query strings, and peers' dialects carry tokens there
            log_level="warning",
            lifespan="on",
            timeout_graceful_shutdown=options["graceful_seconds"],
            server_header=False,
        )
        config.load()
        # What is alive now lives as long as the process: keep it out of every later collection.
        gc.collect()
        gc.freeze()
        # A flush makes thousands of short-lived objects; looking for cycles among them every 700 held it up.
        gc.set_threshold(50_000, 20, 20)
        uvicorn.Server(config).run(sockets=[listening])
