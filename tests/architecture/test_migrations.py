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
    "billing/migrations/0004_money.py": "baced725f8ba4f9b",
    "billing/migrations/0005_money_so_far.py": "d109f63f04128697",
    "billing/migrations/0006_facts_instead_of_notices.py": "cf6c56cfb70feab1",
    "billing/migrations/0007_verbs_of_staff.py": "bd2c88a9c23bf227",
    "billing/migrations/0008_papers.py": "00eaafc767fb11a0",
    "billing/migrations/0009_more_money.py": "471a094e376ca584",
    "billing/migrations/0010_leaving.py": "872c857c8dcd3d98",
    "billing/migrations/0011_named_tokens.py": "44264026425f21c3",
    "nodes/migrations/0001_initial.py": "2dedd5aa8361f5d8",
    "nodes/migrations/0003_market_lines.py": "b4f4a4c14540fa76",
    "nodes/migrations/0004_override_times.py": "514c8932012177f5",
    "nodes/migrations/0005_process_feeds.py": "ca97abd9894ec84d",
    "nodes/migrations/0006_data_licences.py": "173bee9afdee71de",
    "nodes/migrations/0007_instruments.py": "eeb196c5234da409",
    "nodes/migrations/0008_proof_of_delivery.py": "c59172578945d6dd",
    "nodes/migrations/0009_use_and_names.py": "26e4bd5d5bddbd1c",
    "platform/accounts/migrations/0001_initial.py": "4a2f9b8c372ce507",
    "platform/accounts/migrations/0002_give_roles.py": "3a3f64e433e7512d",
    "platform/accounts/migrations/0003_phones.py": "ac8fa06bd23eb474",
    "platform/accounts/migrations/0004_api_keys.py": "6ec6bc297a5ddad1",
    "platform/accounts/migrations/0005_browsers.py": "bb11c87a7ac50d34",
    "platform/accounts/migrations/0006_watch_lists.py": "427e87bb78c9277e",
    "platform/content/migrations/0001_initial.py": "855c7318c60a7d51",
    "platform/outbox/migrations/0001_initial.py": "50365fd3d88aed7a",
    "platform/outbox/migrations/0002_mails.py": "0e31cd58c8d2ac18",
    "platform/support/migrations/0001_initial.py": "dda60c2d5493e22d",
    "platform/support/migrations/0002_staff_told.py": "79e75aeff3581a4c",
}


def test_no_migration_that_has_landed_was_changed_or_removed_and_no_new_one_is_forgotten():
    files = [*ROOT.glob("*/migrations/[0-9]*.py"), *ROOT.glob("platform/*/migrations/[0-9]*.py")]

    found = {str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files}

    assert found == LANDED
