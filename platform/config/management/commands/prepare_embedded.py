"""Migrate and seed the database of an embedded run in one process: importing Django twice costs a second."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Bring the embedded run's database up to date and make the demo buyer, the admin and this node."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ws-url", required=True)
        parser.add_argument("--health-url", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("prepare_database")
        call_command("seed_embedded", ws_url=options["ws_url"], health_url=options["health_url"], stdout=self.stdout)
