"""Groups: those who follow the same share one pick; and the plan of a flush."""

from streaming.hub.subscribers import FlushPlan
from tests.streaming.hub.conftest import Peer, make_group, make_subscriber
from tests.streaming.spoken import DIALECTS

FRAMES = [b"zero", b"one", b"two"]


def test_a_group_picks_its_own_frames_in_the_order_of_their_numbers():
    assert make_group([2, 0]).pick["CN"](FRAMES) == (b"zero", b"two")


def test_a_group_of_one_channel_picks_it_as_a_row_of_one():
    assert make_group([1]).pick["CN"](FRAMES) == (b"one",)


def test_a_group_knows_the_symbols_that_it_follows():
    group = make_group([0])

    assert group.symbols == frozenset({"600519.SH"})
    assert group.numbers == {"CN": frozenset({0})}


def test_a_subscriber_begins_without_channels_and_not_slow():
    member = make_subscriber(Peer())

    assert (member.channels, member.held, member.group) == (frozenset(), frozenset(), None)
    assert (member.behind, member.skipped, member.unheard) == (None, 0, set())
    assert member.dialect is DIALECTS["native"]


def test_a_plan_counts_every_delivery_and_leaves_out_groups_whose_members_are_all_slow():
    one, two, three = Peer(), Peer(), Peer()

    plan = FlushPlan("CN", [make_group([0, 1], one, two), make_group([2], three), make_group([0, 1, 2])])

    assert plan.every == 2 * 2 + 1 * 1
    assert [wires for _, wires in plan.plain] == [(one, two), (three,)]


def test_a_plan_keeps_those_apart_who_agreed_on_compression():
    plain, squeezed = Peer(), Peer()

    plan = FlushPlan("CN", [make_group([0], plain), make_group([0], squeezed, deflate=True)])

    assert [wires for _, wires in plan.plain] == [(plain,)]
    assert [wires for _, wires in plan.squeezed] == [(squeezed,)]
