"""A text becomes HTML, and nothing that somebody writes in it becomes a tag, a script or a link to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.domain.markdown import names, questions, render


def test_headings_begin_below_the_page_s_own():
    assert render("# One\n\n## Two") == "<h2>One</h2>\n<h3>Two</h3>\n"
    # A level that is left out is one that readers of headings look for in vain.
    assert render("## One\n\n### Two") == "<h2>One</h2>\n<h3>Two</h3>\n"


def test_tables_lists_and_links_are_drawn():
    drawn = render("| a | b |\n|---|---|\n| 1 | 2 |\n\n- [rules](/refunds/)\n- <https://shop.example/>")

    assert "<td>2</td>" in drawn
    assert '<a href="/refunds/">rules</a>' in drawn
    assert '<a href="https://shop.example/">' in drawn


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "a <b onclick=x>c</b>", "<img src=x onerror=y>", "<style>*{}</style>", "<!-- x -->"],
)
def test_html_is_shown_as_it_was_typed(text):
    drawn = render(text)

    assert "&lt;" in drawn
    assert not any(tag in drawn for tag in ("<script", "<b ", "<img", "<style", "<!--"))


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "JaVaScript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example", "file:///etc/passwd",
     "&#106;avascript:alert(1)", "java\tscript:alert(1)"],
)  # fmt: skip
def test_links_lead_to_web_mail_telephone_and_our_own_pages_alone(link):
    assert "href" not in render(f"[x]({link})")
    assert "href" not in render(f"[x][1]\n\n[1]: <{link}>")


def test_pictures_of_other_sites_are_not_loaded():
    assert "<img" not in render("![x](https://evil.example/x.png)")


def test_names_stand_for_values_which_are_text_and_never_markup():
    assert render("By {{seller}}.", {"seller": "*A* & <b>"}) == "<p>By *A* &amp; &lt;b&gt;.</p>\n"
    assert render("{{nobody}}", {"seller": "A"}) == "<p>{{nobody}}</p>\n"


def test_questions_are_the_headings_of_the_second_level():
    assert questions("Above.\n\n## Why?\n\nSo.\n\n## How?\n\n*Thus.*") == [
        ("Why?", "<p>So.</p>\n"), ("How?", "<p><em>Thus.</em></p>\n"),
    ]  # fmt: skip


@given(st.text(alphabet="<>[]()!:/\"'`*_#-|&; \njavscriptdonmhe=\\", max_size=80))
def test_no_text_makes_a_tag_that_markdown_has_not(text):
    drawn = render(text)

    assert "<script" not in drawn
    assert 'href="javascript' not in drawn.lower()
    assert "<img" not in drawn


def test_names_of_what_a_text_leaves_open_are_told_once_each():
    assert names("{{b}} {{a}} {{b}} {c} {{}}") == ["b", "a"]
