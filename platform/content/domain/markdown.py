"""Markdown as HTML for our pages: no HTML of the writer's own, and links that lead where a reader expects."""

import re
from collections.abc import Mapping

from markdown_it import MarkdownIt

_MOST = 100_000  # characters; what is longer is no page
_SCHEMES = re.compile(r"^(https?://|mailto:|tel:|/(?!/)|#)", re.IGNORECASE)


class _Drawing(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # the library's name
        """Let web, mail and telephone addresses and our own pages through; everything else stays text."""
        return bool(_SCHEMES.match(url.strip()))


# `commonmark` with HTML off: what looks like a tag is shown as it was typed. Images load from elsewhere: none.
_drawing = (
    _Drawing("commonmark", {"html": False, "linkify": False, "typographer": False}).enable("table").disable("image")
)


def render(text: str, values: Mapping[str, str] | None = None) -> str:
    """Return HTML for a text.

    Args:
        text: CommonMark with tables; its headings begin below the page's own: the largest of a text is drawn as h2,
            whether it is written `#` or `##`.
        values: what `{{name}}` stands for; a name that is not here stays as it is. A value is text, never markup.
    """
    for name, value in (values or {}).items():
        text = text.replace("{{" + name + "}}", _plain(value))
    tokens = _drawing.parse(text[:_MOST])
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    largest = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - largest + 2)}"
    html: str = _drawing.renderer.render(tokens, _drawing.options, {})
    return html


def names(text: str) -> list[str]:
    """Return what `{{name}}` a text has, each once, in their order."""
    return list(dict.fromkeys(re.findall(r"\{\{([^{}\n]{1,40})\}\}", text)))


def questions(text: str) -> list[tuple[str, str]]:
    """Split a text into its questions: each `##` heading, as plain text, and the HTML of what stands below it."""
    found = []
    for part in re.split(r"^## +", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        found.append((heading.strip(), render(body)))
    return found


def _plain(value: str) -> str:
    """Take what Markdown would read as markup for what it is."""
    return re.sub(r"([\\`*_{}\[\]<>()#+\-!|])", r"\\\1", " ".join(value.split()))
