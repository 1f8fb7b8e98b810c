"""`/metrics` and `/stats` are the operator's: nobody else is told how a node is loaded or how many customers it has."""

import asyncio

import pytest
from django.test import AsyncRequestFactory
from django.urls import resolve

from streaming.runtime.process import stop_process

pytestmark = pytest.mark.whole
STRANGER, NEAR = "198.51.100.9", "10.0.3.7"


def ask(path: str, address: str, **headers: str) -> int:
    async def asked() -> int:
        request = AsyncRequestFactory().get(path, headers=headers)
        request.META["REMOTE_ADDR"] = address
        try:
            return (await resolve(path).func(request)).status_code
        finally:
            await stop_process()

    return asyncio.run(asked())


@pytest.fixture(autouse=True)
def operators(settings):
    settings.METRICS_TOKEN, settings.METRICS_FROM = "scraper's", ["10.0.0.0/16"]


LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


@pytest.mark.parametrize("path", ["/metrics", "/stats"])
def test_a_named_network_and_who_has_the_token_are_answered(path):
    assert ask(path, NEAR) == 200
    assert ask(path, STRANGER, authorization="Bearer scraper's") == 200


@pytest.mark.parametrize("path", ["/metrics", "/stats"])
def test_the_machine_itself_is_answered_unless_there_is_a_token_to_ask_for(settings, path):
    assert [ask(path, address) for address in LOOPBACK] == [403] * 3
    settings.METRICS_TOKEN = ""
    assert [ask(path, address) for address in LOOPBACK] == [200] * 3


@pytest.mark.parametrize("path", ["/metrics", "/stats"])
def test_nobody_else_is(path):
    assert [ask(path, address) for address in (STRANGER, "10.1.0.1")] == [403] * 2
    assert ask(path, STRANGER, authorization="Bearer another") == 403


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-forwarded-host", "forwarded", "via", "x-real-ip"])
def test_what_a_proxy_on_the_machine_passes_on_is_not_the_machines_own(settings, header):
    settings.METRICS_TOKEN = ""
    assert ask("/metrics", "127.0.0.1", **{header: STRANGER}) == 403


def test_without_a_token_in_the_settings_none_opens(settings):
    settings.METRICS_TOKEN = ""

    assert ask("/metrics", STRANGER, authorization="Bearer ") == 403
