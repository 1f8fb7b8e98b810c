"""While the store does not answer, nobody can say who may still ask: every REST address answers 503, in its language."""

import asyncio
import json
import socket
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient

from kernel import keyspace
from streaming.runtime.process import stop_process
from streaming.store.connection import redis_async
from tests.streaming.conftest import GROUP, jwks, make_scope, make_token

pytestmark = pytest.mark.whole
QUERY = '{"trace":"7","data":{"symbol_list":[{"code":"700.HK"}]}}'
ADDRESSES = {
    "/v1/usage": ("code", "store_unavailable"),
    "/v1/statistics?symbols=700.HK": ("code", "store_unavailable"),
    "/v1/market/ticker?symbols=700.HK": ("code", 5001),
    "/v1/market/intervals/kline": ("code", 5001),
    "/stock/quote?region=HK&code=700": ("code", "E005"),
    f"/quote-stock-b-api/trade-tick?query={QUERY}": ("ret", 500),
    "/api/v1/rt-kline/latest?ts_code=700.HK": ("code", 503),
    "/api/v1/rt-kline/subscription/list": ("code", 503),
}


@pytest.fixture(autouse=True)
def trusted_key(settings, tmp_path: Path) -> None:
    settings.TOKEN_JWKS = str(tmp_path / "jwks.json")
    Path(settings.TOKEN_JWKS).write_text(json.dumps(jwks()))


@pytest.fixture
def silent_store(settings):
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        yield


def ask(path: str, token: str) -> Any:
    async def asked() -> Any:
        try:
            return await AsyncClient().get(path, headers={"Authorization": f"Bearer {token}"})
        finally:
            await stop_process()

    return asyncio.run(asked())


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_store_that_is_away_is_said_in_each_languages_way(settings, path) -> None:
    settings.REDIS_URL = "redis://:hush@127.0.0.1:9/0"

    answered = ask(path, make_token())

    name, code = ADDRESSES[path]
    assert (answered.status_code, answered.json()[name], answered.headers["Retry-After"]) == (503, code, "2")
    assert "hush" not in answered.content.decode()


def test_a_store_that_hangs_lets_no_revoked_token_through(silent_store) -> None:
    assert ask("/v1/market/ticker?symbols=700.HK", make_token()).status_code == 503


def test_a_deactivated_customer_is_refused_and_an_activated_one_is_let_in_again() -> None:
    scope = make_scope(uuid.uuid4().hex)
    token, ended = make_token(scope), make_scope(scope.customer, rev=2)

    async def write(rev: int, *, active: bool) -> None:
        told = ended.as_json() | {"rev": rev} | ({} if active else {"active": False})
        await redis_async().set(keyspace.entitlement(scope.customer, GROUP), json.dumps(told), ex=60)

    asyncio.run(write(2, active=False))
    refused = ask("/v1/usage", token)
    asyncio.run(write(3, active=True))

    assert (refused.status_code, refused.json()["code"]) == (401, "customer_deactivated")
    assert ask("/v1/usage", token).status_code == 200
