"""Which address comes next and when, by plain calls."""

import pytest

from streaming.client.routes import Routes, health_url, read_hint, read_retry_after

A, B, C = "wss://a/ws/stock", "wss://b/ws/stock", "wss://c/ws/stock"


def routes(*urls: str, chance: float = 0.5) -> Routes:
    return Routes(urls, lambda: chance)


def test_the_fastest_comes_first_and_the_others_in_their_order():
    one = routes(A, B, C)
    one.prefer([B])
    assert one.url == B
    one.failed(0)
    assert one.url == A


def test_a_lost_node_is_followed_by_the_one_that_failed_least():
    one = routes(A, B, C)
    seen = []
    for _ in range(6):
        one.failed(0)
        seen.append(one.url)
    assert seen == [B, C, A, B, C, A]


def test_with_one_address_waits_are_full_jitter_that_doubles_to_a_bound():
    one = routes(A, chance=1.0)
    assert [one.failed(0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 20, 20]
    none = routes(A, chance=0.0)
    assert [none.failed(0) for _ in range(3)] == [0, 0, 0]


def test_a_welcome_begins_the_waits_anew():
    one = routes(A, chance=1.0)
    one.failed(0)
    one.failed(0)
    one.welcomed()
    assert one.failed(0) == 0.5


def test_the_time_that_a_node_asks_for_is_waited_there_and_not_elsewhere():
    one = routes(A, chance=1.0)
    assert one.failed(100, retry_after_s=7) == 7.5
    two = routes(A, B, chance=1.0)
    assert two.failed(100, retry_after_s=7) == 0.5
    assert two.url == B
    # B fails too while A still wants its time: B again.
    two.failed(101)
    assert two.url == B
    two.failed(108)
    assert two.url == A


def test_a_node_cannot_ask_for_a_week():
    assert routes(A, chance=0).failed(0, retry_after_s=604_800) == 300


def test_a_draining_node_may_name_the_next_one_even_if_it_is_new():
    one = routes(A, B)
    one.failed(0, retry_after_s=30, hint=C)
    assert one.url == C
    one.failed(0)
    assert one.url == B


@pytest.mark.parametrize("hint", ["ws://c/ws/stock", "https://c/", "", "wss://", None, "wss://[x", A])
def test_a_hint_leads_nowhere_less_safe_and_not_back(hint):
    one = routes(A, B)
    one.failed(0, hint=hint)
    assert one.url == B


def test_a_refusal_is_final_only_when_every_address_has_refused():
    one = routes(A, B)
    assert one.refused("no", 0) is not None
    assert one.url == B
    one.failed(0)
    assert one.url == B
    assert one.refused("no", 0) is None


def test_no_address_is_no_stream():
    with pytest.raises(ValueError, match="at least one address"):
        routes()


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ('{"retry_after":2,"node":"sh-2","url":"wss://b/ws/stock"}', (2.0, B)),
        ('{"retry_after":2.5,"node":"sh-2"}', (2.5, None)),
        ("draining", (0.0, None)),
        ("", (0.0, None)),
        ("[1]", (0.0, None)),
        ('{"retry_after":"soon"}', (0.0, None)),
        ('{"retry_after":-1,"url":5}', (0.0, None)),
        ('{"retry_after":Infinity}', (0.0, None)),
    ],
)
def test_the_reason_of_a_close_is_read_with_care(reason, told):
    assert read_hint(reason) == told


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 0), ("3", 3), ("", 0), ("nan", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("-4", 0)]
)
def test_a_retry_after_header_is_read_with_care(header, seconds):
    assert read_retry_after(header) == seconds


def test_a_nodes_health_stands_beside_its_stream():
    assert health_url("wss://node:8443/ws/stock") == "https://node:8443/healthz"
    assert health_url("ws://127.0.0.1:8000/ws/stock") == "http://127.0.0.1:8000/healthz"


def test_a_node_below_a_path_answers_below_it():
    assert health_url("wss://quant.example/n1/ws/stock") == "https://quant.example/n1/healthz"
    assert health_url("wss://quant.example/elsewhere") == "https://quant.example/healthz"
