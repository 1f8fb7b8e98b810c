"""What each event does to which accounts: every entry sums to zero, and only known accounts are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain import ledger

fen = st.integers(1, 10**11)


@given(fen, st.sampled_from(["alipay", "stripe"]), st.sampled_from(["CNY", "USD"]))
def test_every_entry_sums_to_zero(amount, provider, currency):
    entries = [
        ledger.payment(provider, amount),
        ledger.suspended(provider, amount, currency),
        ledger.used(provider, amount),
        ledger.refund_decided({"deferred": amount}, currency),
        ledger.refund_decided({f"suspense:{provider}": amount}, currency),
        ledger.refund_decided({"balance:7": amount, "dispute_loss": 1}),
        ledger.topped_up(provider, "7", amount),
        ledger.reserved("7", amount),
        ledger.released("7", amount),
        ledger.spent(amount),
        ledger.rounded(amount),
        ledger.gift_bought(provider, amount),
        ledger.gift_redeemed(amount),
        ledger.gift_lost(amount),
        ledger.dispute_hold_lost(amount),
        ledger.commission_earned(amount),
        ledger.commission_ended("7", paid_fen=amount, void_fen=0),
        ledger.commission_ended("7", paid_fen=0, void_fen=amount),
        ledger.commission_ended("7", paid_fen=amount, void_fen=amount),
        ledger.refund_to_balance("7", amount),
        ledger.refund_done(provider, amount, currency),
        ledger.refund_done(provider, amount, currency, by_hand=True),
        ledger.refund_came_back(provider, amount, currency),
        ledger.dispute_withdrawn(provider, amount, currency),
        ledger.dispute_reinstated(provider, amount, currency),
        ledger.fee(provider, amount),
    ]

    for lines in entries:
        assert list(ledger.checked(lines)) == sorted(lines)


@pytest.mark.parametrize(
    ("lines", "debited", "credited"),
    [
        (ledger.payment("alipay", 10), "gateway:alipay", "deferred"),
        (ledger.suspended("alipay", 10, "CNY"), "gateway:alipay", "suspense:alipay"),
        (ledger.suspended("stripe", 10, "USD"), "gateway:stripe/USD", "suspense:stripe/USD"),
        (ledger.used("alipay", 10), "suspense:alipay", "deferred"),
        (ledger.refund_decided({"deferred": 10}), "deferred", "refund_due"),
        (ledger.refund_decided({"suspense:stripe": 10}, "USD"), "suspense:stripe/USD", "refund_due/USD"),
        (ledger.topped_up("alipay", "7", 10), "gateway:alipay", "balance:7"),
        (ledger.reserved("7", 10), "balance:7", "reserved"),
        (ledger.released("7", 10), "reserved", "balance:7"),
        (ledger.spent(10), "reserved", "deferred"),
        (ledger.rounded(10), "rounding", "deferred"),
        (ledger.gift_bought("alipay", 10), "gateway:alipay", "gift_codes"),
        (ledger.gift_redeemed(10), "gift_codes", "deferred"),
        (ledger.gift_lost(10), "gift_codes", "dispute_loss"),
        (ledger.dispute_hold_lost(10), "reserved", "dispute_loss"),
        (ledger.commission_earned(10), "commissions", "commission_due"),
        (ledger.commission_ended("7", paid_fen=10, void_fen=0), "commission_due", "balance:7"),
        (ledger.commission_ended("7", paid_fen=0, void_fen=10), "commission_due", "commissions"),
        (ledger.refund_to_balance("7", 10), "refund_due", "balance:7"),
        (ledger.refund_done("alipay", 10, "CNY"), "refund_due", "gateway:alipay"),
        (ledger.refund_done("alipay", 10, "CNY", by_hand=True), "refund_due", "bank"),
        (ledger.refund_came_back("alipay", 10, "CNY"), "gateway:alipay", "refund_due"),
        (ledger.dispute_withdrawn("stripe", 10, "CNY"), "dispute_loss", "gateway:stripe"),
        (ledger.dispute_reinstated("stripe", 10, "CNY"), "gateway:stripe", "dispute_loss"),
        (ledger.fee("alipay", 10), "fees", "gateway:alipay"),
    ],
)
def test_what_is_debited_and_what_is_credited(lines, debited, credited):
    assert dict(lines) == {debited: 10, credited: -10}


@pytest.mark.parametrize("lines", [{}, {"deferred": 0}, {"deferred": 1}, {"deferred": 1, "fees": -2},
                                   {"deferred": 0, "fees": 0}, {"deferred": 1, "fees": -1, "bank": 0}])  # fmt: skip
def test_what_does_not_balance_is_refused(lines):
    with pytest.raises(ledger.Unbalanced):
        ledger.checked(lines)


def test_an_account_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="'pocket' is no account"):
        ledger.checked({"pocket": 1, "deferred": -1})


@pytest.mark.parametrize(
    ("code", "side"),
    [("gateway:alipay", 1), ("gateway:stripe/USD", 1), ("fees", 1), ("deferred", -1), ("refund_due/USD", -1),
     ("balance:7", -1)],
)  # fmt: skip
def test_the_side_of_an_account(code, side):
    assert ledger.side(code) == side


def test_only_a_customers_money_may_not_fall_below_zero():
    assert not ledger.may_go_below_zero("balance:7")
    assert ledger.may_go_below_zero("refund_due")


def test_an_account_s_code_tells_its_currency():
    assert [ledger.currency_of(ledger.account("gateway", "stripe", one)) for one in ("CNY", "USD")] == ["CNY", "USD"]
    assert ledger.currency_of("deferred") == "CNY"
