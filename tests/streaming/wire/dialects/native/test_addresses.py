"""Which of the node's own addresses want a token, and what only looks."""

from streaming.wire.dialects.native.addresses import REST


def test_what_a_customer_uses_history_and_a_search_want_a_token():
    assert [one.path for one in REST.operations if one.needs_token] == [
        "v1/usage", "v1/sockets", "v1/sockets/{id}", "v1/history/{symbols}/{file}", "v1/instruments", "v1/statistics",
    ]  # fmt: skip


def test_ending_a_connection_is_the_only_one_that_changes_anything():
    assert [(one.path, one.method) for one in REST.operations if one.method != "get"] == [("v1/sockets/{id}", "delete")]
