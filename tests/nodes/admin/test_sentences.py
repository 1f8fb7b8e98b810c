"""What ingest says of its lines is read in the reader's language; every sentence that it has is known."""

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

from kernel.sentences import Template, known
from nodes.admin.sentences import TEXTS, said

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [
    *(ROOT / "streaming" / "ingest" / "sources" / "live").glob("*.py"),
    *(ROOT / "streaming" / "wire" / "providers").glob("*.py"),
]
CALLS = {"ProviderRefused"}
NAMES = {"problem"}


def _text(node):
    """Return the sentence that a piece of code makes, with a word in each place."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "X" for one in node.values)
    return ""


def _sentences():
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS and node.args:
                yield _text(node.args[0])
            if isinstance(node, ast.Assign) and any(getattr(one, "id", "") in NAMES for one in node.targets):
                yield _text(node.value)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
                yield from (re.sub(r"\{\w+\}", "X", _text(one)) for one in node.value.values)


def test_every_sentence_of_a_line_is_known():
    # Its hint is a text or none, and both are known.
    sentences = {text.replace("let us inX.", "let us in.") for text in _sentences() if text.endswith(".")}
    templates = [Template(text) for text in TEXTS]

    assert len(sentences) > 20
    assert sorted(text for text in sentences if known(templates, text) is None) == []


@pytest.mark.parametrize(
    ("sentence", "chinese"),
    [
        ("It cannot be reached (ConnectError); trying again.", "无法连接（ConnectError），正在重试。"),
        (
            "It answers 403 to the connection: it does not let us in; look at TICKPACK_X_KEY and at what the plan allows.",
            "对方以 403 拒绝连接：请检查 TICKPACK_X_KEY 及其套餐的权限。",
        ),
        ("It does what nobody has entered.", "It does what nobody has entered."),
    ],
)
def test_it_is_said_in_chinese_where_it_is_known(sentence, chinese):
    with translation.override("zh-hans"):
        assert said(sentence) == chinese
    assert said(sentence) == sentence
