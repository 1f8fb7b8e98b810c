"""Every text that is to be translated, read out of templates and code as Django reads them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.template.base import Lexer, TokenType
from django.utils.text import smart_split
from django.utils.translation import trim_whitespace

ROOT = Path(__file__).resolve().parents[2]
_CALLS = {
    "_": 0, "gettext": 0, "gettext_lazy": 0, "ngettext": 0, "ngettext_lazy": 0, "pgettext": 1, "pgettext_lazy": 1,
    "npgettext": 1, "_lazy": 0, "gettext_noop": 0,
}  # fmt: skip


def texts_of_template(source: str) -> Iterator[tuple[str | None, str]]:
    """Yield (context, msgid) of each translate and blocktranslate."""
    tokens = iter(Lexer(source).tokenize())
    for token in tokens:
        if token.token_type != TokenType.BLOCK:
            continue
        name, *bits = list(smart_split(token.contents))
        context = next((bits[at + 1][1:-1] for at, one in enumerate(bits[:-1]) if one == "context"), None)
        if name in ("translate", "trans") and bits and bits[0][0] in "\"'":
            yield context, bits[0][1:-1].replace("%", "%%")
        if name in ("blocktranslate", "blocktrans"):
            text = ""
            for inner in tokens:
                if inner.token_type == TokenType.BLOCK and inner.contents.split()[0] in (
                    "endblocktranslate", "endblocktrans", "plural",
                ):  # fmt: skip
                    break
                text += (
                    f"%({inner.contents})s" if inner.token_type == TokenType.VAR else inner.contents.replace("%", "%%")
                )
            yield context, trim_whitespace(text) if "trimmed" in bits else text


def texts_of_templates() -> set[tuple[str | None, str]]:
    """Return those of every template of the project, HTML and text."""
    files = [file for kind in ("html", "txt") for file in (ROOT / "templates").rglob(f"*.{kind}")]
    return {one for file in files for one in texts_of_template(file.read_text())}


def texts_of_code() -> set[tuple[str | None, str]]:
    """Return (context, msgid) of every call that translates, in every app; of a plural the one of one."""
    found = set()
    for folder in ("platform", "billing", "nodes"):
        for file in (ROOT / folder).rglob("*.py"):
            if "migrations" in file.parts:
                continue
            for call in ast.walk(ast.parse(file.read_text())):
                name = getattr(call.func, "id", getattr(call.func, "attr", "")) if isinstance(call, ast.Call) else ""
                if name in _CALLS and len(call.args) > _CALLS[name]:
                    said = call.args[_CALLS[name]]
                    if isinstance(said, ast.Constant) and isinstance(said.value, str):
                        context = call.args[0].value if _CALLS[name] else None
                        found.add((context, said.value))
    return found
