"""What a service refuses is a sentence for a buyer, in both languages, and never a word of the program."""

import pytest
from django.utils import translation

from billing import errors
from kernel.errors import PlatformError
from nodes.errors import NodeNotOffered
from panel.pages.reasons import coupon_reason, reason

REFUSED = [
    errors.PlanNotOnSale(plan="x"),
    errors.MarketNotSold(markets=["CN"]),
    errors.TooFarAhead(until="x"),
    errors.TermsEnded(plan="x", until=""),
    errors.TooManyOrders(most=20, of="customer"),
    errors.IdempotencyKeyReused(),
    errors.PaymentsOff(),
    errors.UpgradeRefused("words of the service", grant=1),
    errors.BalanceTooSmall(balance_fen=1, due_fen=2),
    errors.PriceChanged(due_fen=1050, quote="x", until="x"),
    NodeNotOffered(node="x", reason="full"),
    *(errors.CouponRefused("words of the service", reason=why) for why in
      ("unknown", "not_valid", "ended", "other_plan", "used_up", "used_by_you", "")),
    *(errors.GiftRefused("words of the service", reason=why) for why in ("unknown", "redeemed", "void", "expired", "too_many_tries", "")),
    *(errors.TrialRefused("words of the service", reason=why) for why in ("none", "had_one", "phone_had_one", "")),
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("error", REFUSED, ids=lambda error: f"{error.code}-{error.fields.get('reason', '')}")
def test_a_refusal_is_a_sentence_in_the_buyers_language(error, language):
    with translation.override(language):
        said = reason(error)

    assert said.endswith((".", "。"))
    assert (language == "zh-hans") == any("\u4e00" <= letter <= "\u9fff" for letter in said)
    assert "words of the service" not in said


def test_numbers_are_in_yuan():
    assert "¥10.50" in reason(errors.PriceChanged(due_fen=1050, quote="x", until="x"))
    assert "¥10 to ¥5000" in reason(errors.BadPurchase("no", least_fen=1000, most_fen=500_000))


def test_what_nobody_has_foreseen_says_what_the_service_says():
    assert "seven" in reason(PlatformError("seven"))
    assert coupon_reason("new reason") == "This coupon cannot be used."
