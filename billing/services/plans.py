"""The price list that a new shop opens with."""

from billing.models import Plan

# slug, English, Chinese, symbols, fen a month, sockets at once
PACKS = (
    ("pack-5", "Pack 5", "5 只套餐", 5, 1000, 2),
    ("pack-15", "Pack 15", "15 只套餐", 15, 2000, 3),
    ("pack-50", "Pack 50", "50 只套餐", 50, 5000, 5),
)


def seed_plans() -> int:
    """Create the packs that are missing; an admin's edits stay. Return how many were created."""
    made = 0
    for slug, name_en, name_zh, symbols, price_fen, max_connections in PACKS:
        fields = {"name_en": name_en, "name_zh": name_zh, "symbols": symbols}
        _, created = Plan.objects.get_or_create(
            slug=slug, defaults={**fields, "price_fen": price_fen, "max_connections": max_connections}
        )
        made += created
    return made
