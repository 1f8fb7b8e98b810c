"""What a service refuses is told to staff in their language, and money as they have typed it: in yuan."""

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

from billing.admin.sentences import TEXTS, said, sentence
from billing.errors import RefundRefused
from kernel.sentences import Template, known

ROOT = Path(__file__).resolve().parents[3]
# What verbs of the admin call; the rest is asked by customers and their programs.
SERVICES = ("refunds", "gifts", "gift_codes", "transfers", "facts", "fapiao")
ERRORS = {"RefundRefused", "BadPurchase", "NothingToGive", "NotThatMoney", "BadFapiao"}
OF_CUSTOMERS = re.compile(r"is no tax number|has a title of|is for a company|is no mail address|nothing was spent on")


def _messages(name):
    """Yield each message of a service's refusals, with a word in each place."""
    tree = ast.parse((ROOT / "billing" / "services" / f"{name}.py").read_text())
    texts = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "said":
            texts[node.lineno] = node.value
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            if getattr(node.exc.func, "id", "") not in ERRORS:
                continue
            found = node.exc.args[0]
            if isinstance(found, ast.Name):
                found = texts[max(line for line in texts if line < node.lineno)]
            if isinstance(found, ast.Constant | ast.JoinedStr):
                parts = [found] if isinstance(found, ast.Constant) else found.values
                yield "".join(one.value if isinstance(one, ast.Constant) else "X" for one in parts)


@pytest.mark.parametrize("name", SERVICES)
def test_every_refusal_of_a_service_is_known_and_none_tells_fen(name):
    templates = [Template(text) for text in TEXTS]
    messages = [text for text in _messages(name) if not OF_CUSTOMERS.search(text)]

    assert len(messages) > 2
    assert [text for text in messages if known(templates, text) is None] == []
    assert [text for text in messages if re.search(r"\bfen\b", text)] == []


@pytest.mark.parametrize(
    ("message", "chinese"),
    [
        ("¥99.00 cannot be paid back: ¥20.00 are left of this payment", "不能退 ¥99.00：此笔付款只剩 ¥20.00。"),
        (
            "order 4f is settled: only one that waits for payment can be cancelled",
            "订单 4f 的状态为“已付款”：只有等待付款的订单才能取消。",
        ),
        ("nobody has entered this", "nobody has entered this"),
    ],
)
def test_it_is_said_in_chinese_where_it_is_known(message, chinese):
    with translation.override("zh-hans"):
        assert said(message) == chinese


def test_a_sentence_says_what_the_code_means_and_what_is_wrong():
    with translation.override("zh-hans"):
        assert sentence(RefundRefused("a refund has a reason")).endswith("请填写退款原因。")
        assert sentence(RefundRefused()) != RefundRefused.message
