"""The papers that Connect names are pages: whole, without markup of their own, and their links lead somewhere."""

import re

import pytest

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.mark.parametrize(
    ("name", "title"), [("protocol", "The wire"), ("shop-api", "shop"), ("skill", "Real-time Stock Data Subscription")]
)
def test_a_paper_is_a_page(client, name, title):
    page = client.get(f"/docs/{name}/").text

    assert title in re.search(r"<h1>(.*?)</h1>", page)[1]
    assert page.count("<h1") == 1
    for anchor in re.findall(r'<li><a href="#([^"]+)"', page):
        assert f'id="{anchor}"' in page


def test_links_lead_to_pages_or_are_words(client):
    for name in ("protocol", "shop-api", "skill"):
        page = client.get(f"/docs/{name}/").text
        for target in re.findall(r"<article.*</article>", page, re.DOTALL)[0].split('href="')[1:]:
            href = target.partition('"')[0]
            assert href.startswith(("#", "/docs/", "http://", "https://", "/")), href
            if href.startswith("/docs/"):
                assert client.get(href.partition("#")[0]).status_code == 200, href


@pytest.mark.parametrize("name", ["configuration", "x", "..%2fREADME"])
def test_no_other_file_is_one(client, name):
    assert client.get(f"/docs/{name}/").status_code == 404


def test_a_chinese_page_says_in_which_language_the_paper_is(client):
    page = client.get("/docs/protocol/", headers={"accept-language": "zh-hans"}).text

    assert "文档为英文。" in page
    assert '<article class="paper" lang="en">' in page
