"""`manage.py seed_plans`: the price list that a new shop opens with, where its rows are missing."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.services.plans import seed_plans


class Command(BaseCommand):
    help = "Creates Pack 5, Pack 15 and Pack 50 where they are missing; never changes a plan that is there."

    def handle(self, *args: Any, **options: Any) -> None:
        made = seed_plans()
        self.stdout.write(f"{made} plans created")
