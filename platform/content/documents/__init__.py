"""The first texts, which come with the program: Markdown files, one a page and language."""

from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@cache
def first_text(page: str, language: str) -> str:
    """Return the text of a page that nobody has edited yet.

    Args:
        page: terms, privacy, refunds, contact or questions.
        language: en or zh.
    """
    return (_HERE / f"{page}.{language}.md").read_text(encoding="utf-8")
