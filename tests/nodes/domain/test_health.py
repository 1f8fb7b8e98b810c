"""A health report is read strictly in what it must say, and may say more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.health import clock_offset_ms, read_health

SAID = {
    "process": "sh-1:4711:9f2c",
    "node": "sh-1",
    "role": "node",
    "version": "0.1.0",
    "at_ms": 1_800_000_000_250,
    "sockets": 7,
    "lag_ms": {"CN": 120, "HK": None},
    "markets": {"CN": "open", "HK": "closed"},
    "rss_bytes": 100 * 2**20,
}


def test_what_a_process_says_is_read_and_more_is_left_alone():
    health = read_health({**SAID, "from_tomorrow": 1})

    assert (health.process, health.role, health.sockets) == ("sh-1:4711:9f2c", "node", 7)
    assert health.lag_ms == {"CN": 120, "HK": None}


def test_a_clock_that_goes_fast_is_ahead():
    assert clock_offset_ms(read_health(SAID), 1_800_000_000_000) == 250


@pytest.mark.parametrize("missing", sorted(SAID))
def test_a_field_that_is_missing_is_named(missing):
    with pytest.raises(ValueError, match=missing):
        read_health({name: value for name, value in SAID.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("process", ""),
        ("process", "p" * 101),
        ("node", "n" * 101),
        ("role", "shop"),
        ("version", "v" * 41),
        ("at_ms", -1),
        ("at_ms", 2**53 + 1),
        ("at_ms", "1"),
        ("sockets", -1),
        ("sockets", 2**31),
        ("sockets", 1.5),
        ("lag_ms", {"CN": "120"}),
        ("lag_ms", []),
        ("markets", {"CN": None}),
        ("rss_bytes", -1),
    ],
)
def test_a_field_out_of_its_range_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        read_health({**SAID, name: value})


@pytest.mark.parametrize("edge", [{"process": "p" * 100}, {"sockets": 2**31 - 1}, {"at_ms": 0}, {"rss_bytes": 2**53}])
def test_the_edges_of_the_ranges_are_inside(edge):
    (name,) = edge

    assert getattr(read_health({**SAID, **edge}), name) == edge[name]


@given(
    st.dictionaries(st.sampled_from(sorted(SAID)), st.none() | st.integers() | st.text("a0:") | st.lists(st.integers()))
)
def test_nothing_that_is_said_raises_anything_else(changes):
    try:
        read_health({**SAID, **changes})
    except ValueError:
        pass
