"""The papers of docs/ that a buyer needs, as pages: what a link on "Connect" leads to."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

MANUALS = {"protocol": "protocol.md", "shop-api": "shop-api.md", "skill": "SKILL.md"}
_OF_FILE = {file: name for name, file in MANUALS.items()}


@dataclass(frozen=True, slots=True)
class Manual:
    """A paper as HTML, its title, and its sections as (anchor, title)."""

    title: str
    html: SafeString
    sections: tuple[tuple[str, str], ...]


@require_safe
def manual(request: HttpRequest, name: str) -> HttpResponse:
    """Show a paper."""
    if name not in MANUALS:
        raise Http404
    return render(request, "panel/manual.html", {"manual": _read(name)})


@cache
def _read(name: str) -> Manual:
    """Draw a paper once a process: the files come with the program."""
    text = (settings.BASE_DIR / "docs" / MANUALS[name]).read_text(encoding="utf-8")
    # HTML is off: what looks like a tag in a paper is text.
    drawing = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = drawing.parse(text)
    title, sections = name, list[tuple[str, str]]()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h1":
            title = _plain(inline)
        elif opening.type == "heading_open":
            anchor = slugify(_plain(inline)) or f"s{len(sections)}"
            opening.attrSet("id", anchor)
            if opening.tag == "h2":
                sections.append((anchor, _plain(inline)))
        elif opening.type == "fence":
            opening.attrSet("tabindex", "0")
    for token in tokens:
        _lead(token)
    html = drawing.renderer.render(tokens, drawing.options, {})
    # The page has the title already; a long line of code is scrolled by the keyboard too.
    html = re.sub(r"<h1>.*?</h1>", "", html, count=1, flags=re.DOTALL).replace("<pre>", '<pre tabindex="0">')
    html = html.replace("<table>", '<table tabindex="0">').replace("<th></th>", "<td></td>")
    return Manual(title, mark_safe(html), tuple(sections))  # noqa: S308  our own file, drawn with HTML off


def _lead(token: Token) -> None:
    """Let links to papers that are pages lead there; those to other files of the source stay words."""
    children, dead = token.children or [], False
    for child in children:
        if child.type == "link_open":
            target = str(child.attrGet("href") or "")
            file, _, anchor = target.partition("#")
            if file in _OF_FILE:
                child.attrSet("href", reverse("manual", args=[_OF_FILE[file]]) + (f"#{anchor}" if anchor else ""))
            dead = not file.startswith(("http://", "https://", "/")) and file != "" and file not in _OF_FILE
        if dead and child.type in ("link_open", "link_close"):
            closes = child.type == "link_close"
            child.type, child.tag, child.nesting, child.attrs, child.content = "text", "", 0, {}, ""
            dead = not closes


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())
