"""Migrations go forward only: one that has landed is in somebody's database and is never changed again.

What is wrong in one is mended by the next. A new file is entered below with its hash, which the failing test names.
"""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LANDED = {
    "billing/migrations/0001_initial.py": "5d025832170a1ce3",
    "billing/migrations/0002_settled_rows.py": "bfafe1cb77a26f32",
    "billing/migrations/0003_plan_intervals.py": "da8185e84153abe3",
    "nodes/migrations/0001_initial.py": "2dedd5aa8361f5d8",
    "platform/accounts/migrations/0001_initial.py": "4a2f9b8c372ce507",
    "platform/outbox/migrations/0001_initial.py": "50365fd3d88aed7a",
}


def test_no_migration_that_has_landed_was_changed_or_removed_and_no_new_one_is_forgotten():
    files = [*ROOT.glob("*/migrations/[0-9]*.py"), *ROOT.glob("platform/*/migrations/[0-9]*.py")]

    found = {str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files}

    assert found == LANDED
