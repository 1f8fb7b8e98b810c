"""Every code of money that is written has its word; what has none is shown as it is."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from billing.domain.ledger import _SIDES
from billing.gateways.protocol import FactKind, Method
from billing.models import words

ROOT = Path(__file__).resolve().parents[3]


def test_every_kind_of_entry_has_a_word():
    services = "".join(file.read_text() for file in (ROOT / "billing" / "services").glob("*.py"))
    written = set(re.findall(r'ledger\.post\(\s*kind="([^"]+)"', services)) | {"reserved", "released"}

    assert len(written) > 12
    assert written - words.ENTRIES.keys() == set()


@pytest.mark.parametrize(
    ("codes", "known"),
    [(_SIDES, words.ACCOUNTS), (list(FactKind), words.FACTS), (list(Method), words.METHODS)],
)
def test_every_account_fact_and_way_has_a_word(codes, known):
    assert {str(code) for code in codes} - known.keys() == set()


def test_every_gateway_has_a_word():
    packages = {one.parent.name for one in (ROOT / "billing" / "gateways").glob("*/gateway.py")}

    assert len(packages) > 3
    assert packages - words.GATEWAYS.keys() == set()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("gateway:alipay", "支付网关 · 支付宝"), ("gateway:stripe/USD", "支付网关 · 银行卡（Stripe） · USD"),
        ("deferred", "预收款"), ("of_tomorrow:x", "of_tomorrow · x"),
    ],
)  # fmt: skip
def test_an_account_is_named(code, said):
    with translation.override("zh-hans"):
        assert words.account_title(code) == said
