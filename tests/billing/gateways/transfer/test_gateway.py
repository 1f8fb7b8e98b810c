"""A bank account as a gateway: it shows where to transfer, and nothing comes or goes by itself."""

import pytest

from billing.errors import BadNotice, GatewayRefused
from billing.gateways.protocol import Device, Method, RefundOrder, RefundStatus
from billing.gateways.transfer.gateway import TransferGateway, create, missing
from tests.billing.gateways.orders import an_order
from tests.factories import NOW

REFUND = RefundOrder("R1", "P1", "t-1", 500, 1000, "CNY", "wish", "https://shop.example/notify")


@pytest.fixture
def bank():
    return TransferGateway(account_name="Tickpack Ltd", account_number="6222 0000", bank="ICBC Shanghai")


def test_it_says_where_how_much_and_under_which_number(bank):
    start = bank.start(an_order(), Method.TRANSFER, NOW)

    assert start.lines == (
        ("Account name", "Tickpack Ltd"),
        ("Account number", "6222 0000"),
        ("Bank", "ICBC Shanghai"),
        ("Amount", "10 CNY"),
    )
    assert start.purpose == an_order().order_no


def test_it_can_be_used_everywhere(bank):
    assert [bank.methods(device) for device in Device] == [(Method.TRANSFER,)] * 3


def test_nothing_comes_by_itself(bank):
    with pytest.raises(BadNotice):
        bank.read_notice(headers={}, body=b"", now=NOW)
    assert bank.answer(None).status == 404
    assert bank.query("P1", NOW) == () == bank.close("P1", NOW)
    assert bank.bill(NOW.date(), NOW) is None


def test_a_person_transfers_back(bank):
    with pytest.raises(GatewayRefused, match="a person transfers"):
        bank.refund(REFUND, NOW)
    assert bank.query_refund(REFUND, NOW).status == RefundStatus.UNKNOWN


def test_half_an_account_is_told_sentence_by_sentence(settings):
    settings.TRANSFER_ACCOUNT_NAME, settings.TRANSFER_ACCOUNT_NUMBER, settings.TRANSFER_BANK = "Tickpack", "", ""
    assert [one.split(":")[0] for one in missing()] == [
        "bank transfers need TRANSFER_ACCOUNT_NUMBER",
        "bank transfers need TRANSFER_BANK",
    ]

    settings.TRANSFER_ACCOUNT_NUMBER, settings.TRANSFER_BANK = "1", "ICBC"
    assert missing() == []
    assert create().name == "transfer"
