"""What a new shop sells, and the versions in which plans were sold."""

from datetime import timedelta

import pytest

from billing.errors import TermsEnded
from billing.models import Plan
from billing.services import plans
from billing.services.letters.rights import terms_end
from billing.services.plans import seed_plans
from kernel.scope import INTERVALS, TYPES
from outbox.models import Outbox
from tests.factories import NOW, a_customer, a_grant, a_past_grant, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_three_packs_with_everything_in_them():
    assert seed_plans() == 3
    assert seed_plans() == 0

    sold = Plan.objects.values_list("slug", "symbols", "price_fen", "max_connections")
    assert list(sold) == [("pack-5", 5, 1000, 2), ("pack-15", 15, 2000, 3), ("pack-50", 50, 5000, 5)]
    for plan in Plan.objects.all():
        assert (plan.markets, plan.levels, plan.types, plan.intervals) == (
            ["CN", "HK"],
            ["L1"],
            list(TYPES),
            list(INTERVALS),
        )


class TestVersions:
    def edit(self, plan, **changes):
        type(plan).objects.filter(pk=plan.pk).update(**changes)
        plan.refresh_from_db()
        return plans.version_of(plan, NOW)

    def test_the_same_terms_are_one_version_and_an_edit_makes_another(self):
        plan = a_plan()
        first = plans.version_of(plan, NOW)

        assert plans.version_of(plan, NOW) == first
        second = self.edit(plan, price_fen=1200)

        first.refresh_from_db()
        assert (first.number, second.number, second.price_fen) == (1, 2, 1200)
        assert first.renewable_until_at == NOW + timedelta(days=90)
        assert (first.renewable(NOW + timedelta(days=89)), first.renewable(NOW + timedelta(days=90))) == (True, False)

    def test_what_an_admin_has_said_stays(self):
        plan = a_plan()
        first = plans.version_of(plan, NOW)
        first.renewable_until_at = until = NOW + timedelta(days=7)
        first.save()

        self.edit(plan, symbols=6)

        first.refresh_from_db()
        assert first.renewable_until_at == until

    def test_whoever_still_has_the_old_terms_is_written_to_once_in_their_language(self, alice, node, keys_dir):
        alice.language = "zh-hans"
        alice.save()
        a_grant(alice, node)
        a_past_grant(a_customer("bob"), node)

        self.edit(a_plan(), price_fen=1200)
        plans.version_of(a_plan(), NOW)

        row = Outbox.objects.get(kind="terms_end")
        assert (row.language, row.payload["to"]) == ("zh-hans", "alice@example.com")
        assert dict(terms_end(row.payload, NOW).facts)["Can be extended until"].startswith("19 Feb 2027 09:00:00")

    def test_terms_that_have_ended_are_not_extended(self, alice, node, keys_dir):
        grant = a_grant(alice, node)
        self.edit(a_plan(), price_fen=1200)
        later = NOW + timedelta(days=91)
        type(node).objects.update(last_seen_at=later)

        with pytest.raises(TermsEnded):
            a_purchase(alice, node, kind="extend", extends=grant.pk, at=later)
