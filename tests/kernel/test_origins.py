"""Whose page a request comes from: what browsers send decides, and what is missing opens nothing."""

import pytest

from kernel.origins import is_of, origin_of, panel_origins

SHOP = panel_origins(["https://shop.example/", "http://127.0.0.1:8000"])


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Shop.example:443/a?b#c", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("null", ""), ("", ""), ("ftp://shop.example", ""), ("https://a@shop.example", ""), ("https://", ""),
("https://shop.example\\@evil.example", ""),
    ],
)  # fmt: skip
def test_an_origin_is_written_as_browsers_write_it(address, origin):
    assert origin_of(address) == origin


def test_a_panel_on_this_machine_has_the_machines_three_names_and_one_port():
    assert {
        "https://shop.example", "http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000",
    } == SHOP  # fmt: skip


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "https://shop.example:444",
     "null", "https://shop.example/", "HTTPS://shop.example", "https://a.shop.example", "http://127.0.0.1:8001"],
)  # fmt: skip
def test_another_origin_is_refused_whatever_else_is_said(origin):
    assert not is_of(SHOP, origin=origin, site="same-origin", host="shop.example", reads=True)


def test_the_panels_origin_is_taken():
    assert is_of(SHOP, origin="https://shop.example")
    assert is_of(SHOP, origin="http://localhost:8000")


def test_without_an_origin_only_a_get_to_the_panels_own_host_counts_of_which_a_browser_says_that_it_is_its_own():
    own = {"origin": "", "site": "same-origin", "host": "Shop.example", "reads": True}

    assert is_of(SHOP, **own)
    for change in (
        {"site": ""}, {"site": "cross-site"}, {"site": "same-site"}, {"site": "none"}, {"host": ""},
        {"host": "evil.example"}, {"reads": False},
    ):  # fmt: skip
        assert not is_of(SHOP, **{**own, **change}), change
