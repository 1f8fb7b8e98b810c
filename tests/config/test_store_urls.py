"""The stores' addresses: any password works, every scheme means what it says, and no message shows a secret."""

import ssl

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured

from config import store_urls
from config.store_urls import broker_tls, env_store
from streaming.history.connection import _place

HARD = "p/a#s?s%w@o:rd 密"


@pytest.fixture
def given(monkeypatch):
    """Set variables; return what REDIS_URL becomes."""

    def read(schemes=store_urls.REDIS, name="REDIS_URL", **variables):
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        return env_store(name, "redis://127.0.0.1:6379/0", schemes=schemes)

    return read


def test_a_password_beside_the_address_may_hold_anything(given):
    url = given(REDIS_URL="redis://host:6380/3", REDIS_PASSWORD=HARD)

    client = redis.Redis.from_url(url)
    assert client.connection_pool.connection_kwargs["password"] == HARD
    assert client.connection_pool.connection_kwargs["host"] == "host"


def test_it_may_come_from_a_file(given, tmp_path):
    (tmp_path / "password").write_text(HARD + "\n")
    url = given(REDIS_URL="redis://host/0", REDIS_PASSWORD_FILE=str(tmp_path / "password"))
    assert redis.Redis.from_url(url).connection_pool.connection_kwargs["password"] == HARD


def test_an_address_with_its_password_in_it_stays(given):
    assert given(REDIS_URL="redis://:plain@host:6380/3") == "redis://:plain@host:6380/3"


@pytest.mark.parametrize("character", "/#?")
def test_one_that_breaks_the_address_is_refused_without_showing_it(given, character):
    with pytest.raises(ImproperlyConfigured) as refused:
        given(REDIS_URL=f"redis://:hunter{character}2secret@host:6379/0")
    assert "hunter" not in str(refused.value)
    assert "2secret" not in str(refused.value)
    assert "REDIS_PASSWORD" in str(refused.value)


def test_a_port_that_is_none_is_refused_without_showing_the_rest(given):
    with pytest.raises(ImproperlyConfigured) as refused:
        given(REDIS_URL="redis://:hunter2@host:637x/0")
    assert "hunter2" not in str(refused.value)


def test_two_passwords_are_one_too_many(given):
    with pytest.raises(ImproperlyConfigured, match="keep one") as refused:
        given(REDIS_URL="redis://:hunter2@host/0", REDIS_PASSWORD="hunter3")
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "schemes", "said"),
    [
        ("sentinel://host:26379/0", store_urls.BROKER, "Sentinel is not supported"),
        ("redis+cluster://host/0", store_urls.REDIS, "a cluster is not supported"),
        ("amqp://host", store_urls.BROKER, "it needs redis:// or rediss://"),
        ("clickhouses://host", store_urls.CLICKHOUSE, "write https"),
        ("mysql://host/x", store_urls.SQL, "the shop needs PostgreSQL"),
        ("host", store_urls.REDIS, "no scheme"),
    ],
)
def test_what_is_not_supported_is_said_in_one_sentence(given, url, schemes, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        given(schemes, REDIS_URL=url)


def test_an_sqlite_file_may_be_called_anything(given):
    url = "sqlite:////home/me@work/a#b/panel.sqlite3"
    assert given(store_urls.SQL, "DATABASE_URL", DATABASE_URL=url) == url


def test_a_broker_s_certificate_is_checked():
    assert broker_tls("rediss://host/0")["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    assert broker_tls("rediss://host/0?ssl_ca_certs=/etc/ca.pem")["ssl_ca_certs"] == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("url", "interface", "port"),
    [
        ("http://h/d", "http", 8123),
        ("https://h/d", "https", 8443),
        ("https://h:8191/d", "https", 8191),
        ("http://h:8443/d", "http", 8443),
    ],
)
def test_history_s_scheme_means_what_it_says_whatever_the_port(url, interface, port):
    place = _place(url)
    assert (place["interface"], place["port"]) == (interface, port)


def test_history_s_password_is_read_as_it_was_written(given):
    url = given(
        store_urls.CLICKHOUSE,
        "CLICKHOUSE_URL",
        CLICKHOUSE_URL="https://tickpack@h:8191/d?ca_cert=/ca.pem&secure=true",
        CLICKHOUSE_PASSWORD=HARD,
    )
    place = _place(url)
    assert (place["username"], place["password"], place["database"], place["ca_cert"]) == (
        "tickpack",
        HARD,
        "d",
        "/ca.pem",
    )
    assert "secure" not in place
