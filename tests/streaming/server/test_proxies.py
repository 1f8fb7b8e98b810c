"""Whose word about a client's address is believed: that of the proxies that the settings name, and of nobody else."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import env_networks
from streaming.server.serving import server_config

PROXY, STRANGER, CLIENT = "172.31.0.2", "198.51.100.9", "203.0.113.7"


async def seen(settings, *, trusted, peer, kind="http", said=CLIENT, proto="https"):
    """Return (address, scheme) that an application behind the server sees."""
    settings.TRUSTED_PROXIES = trusted
    config, asked = server_config(graceful_seconds=1), {}

    async def application(scope, receive, send):
        asked.update(scope)

    config.app = application
    config.interface = "asgi3"
    config.load()
    headers = [(b"x-forwarded-for", said.encode()), (b"x-forwarded-proto", proto.encode())]
    scheme = {"http": "http", "websocket": "ws"}[kind]
    await config.loaded_app({"type": kind, "client": (peer, 1), "scheme": scheme, "headers": headers}, None, None)
    return asked["client"][0], asked["scheme"]


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
@pytest.mark.parametrize("trusted", [[PROXY], ["172.31.0.0/24"]])
async def test_a_trusted_proxy_says_whose_request_it_is(settings, kind, scheme, trusted):
    assert await seen(settings, trusted=trusted, peer=PROXY, kind=kind) == (CLIENT, scheme)


@pytest.mark.parametrize("trusted", [[], [PROXY]])
@pytest.mark.parametrize("peer", [STRANGER, "127.0.0.1"])
async def test_nobody_else_does(settings, trusted, peer):
    assert await seen(settings, trusted=trusted, peer=peer) == (peer, "http")


async def test_what_a_client_wrote_before_the_proxy_is_not_believed(settings):
    address, _ = await seen(settings, trusted=[PROXY], peer=PROXY, said=f"10.9.9.9, {CLIENT}")
    assert address == CLIENT


@pytest.mark.parametrize("said", ["caddy", "10.0.0.1/8", "*", "300.1.1.1"])
def test_what_is_no_address_is_refused_with_its_value(monkeypatch, said):
    monkeypatch.setenv("TRUSTED_PROXIES", f"10.0.0.2, {said}")
    with pytest.raises(ImproperlyConfigured) as refused:
        env_networks("TRUSTED_PROXIES")
    assert repr(said) in str(refused.value)
