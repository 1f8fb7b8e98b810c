"""The hub: who gets which frame, in one write."""

import json

from streaming.wire.channels import Channel
from streaming.wire.framing import payloads
from tests.streaming.hub.conftest import MOUTAI, PINGAN, TENCENT, joined, window


async def test_each_connection_gets_its_own_symbols_in_one_write(hub):
    one, _ = joined(hub, Channel(MOUTAI), Channel(PINGAN))
    two, _ = joined(hub, Channel(PINGAN))

    hub.publish("CN", [window(1, ("600519.SH", 5), ("000001.SZ", 7), ("600000.SH", 9))])

    assert len(one.writes) == len(two.writes) == 1
    assert one.bars() == [("000001.SZ", 1, 7), ("600519.SH", 1, 5)]
    assert two.bars() == [("000001.SZ", 1, 7)]


async def test_two_windows_of_one_flush_both_arrive(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(1, ("600519.SH", 5)), window(2, ("600519.SH", 6)), window(3)])
    assert peer.bars() == [("600519.SH", 1, 5), ("600519.SH", 2, 6), ("600519.SH", 3, 0)]


async def test_a_window_that_was_seen_is_not_sent_again(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(5, ("600519.SH", 5))])
    hub.publish("CN", [window(5, ("600519.SH", 5)), window(4, ("600519.SH", 5))])
    assert peer.bars() == [("600519.SH", 5, 5)]


async def test_flats_come_only_while_open_with_a_price_and_when_wanted(hub):
    filled, _ = joined(hub, Channel(MOUTAI), Channel(PINGAN))  # PINGAN has no price yet
    bare, _ = joined(hub, Channel(MOUTAI, fill=False))
    hub.publish("CN", [window(1), window(2, state="lunch_break"), window(3, states=[("600519.SH", "suspended")])])
    assert filled.bars() == [("600519.SH", 1, 0)]
    assert bare.bars() == []


async def test_a_previous_close_is_the_price_of_the_first_flats(hub):
    peer, _ = joined(hub, Channel(PINGAN))
    hub.publish("CN", [window(1, references=[("000001.SZ", 150_300)])])
    (message,) = [json.loads(text) for write in peer.writes for text in payloads(write) if '"kline"' in text]
    assert message["data"]["close"] == 15.03


async def test_auction_prints_are_sent_in_every_state(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(1, ("600519.SH", 5), state="opening_auction"), window(2, state="pre_open")])
    assert peer.bars() == [("600519.SH", 1, 5)]


async def test_a_change_of_state_is_told_once_and_only_to_whose_plan_has_the_market(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    other, _ = joined(hub, Channel(TENCENT), markets=frozenset({"HK"}))
    hub.publish("CN", [window(1), window(2), window(3, state="lunch_break")])
    assert [notice["state"] for notice in peer.notices()] == ["open", "lunch_break"]
    assert other.notices() == []


async def test_a_new_state_comes_behind_the_bars_of_the_windows_before_it(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(1), window(2), window(3, ("600519.SH", 9), state="lunch_break"), window(4, state="open")])
    told = [json.loads(text) for write in peer.writes for text in payloads(write)]
    assert [m.get("seq") or m["state"] for m in told] == ["open", 1, 2, "lunch_break", 3, "open", 4]
    assert len(peer.writes) == 1


async def test_a_halt_comes_behind_the_bars_of_the_windows_before_it_and_only_to_its_followers(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    other, _ = joined(hub, Channel(PINGAN))
    hub.publish("CN", [window(1), window(2, states=[("600519.SH", "halted")])])
    told = [json.loads(text) for write in peer.writes for text in payloads(write)]
    assert [m.get("seq") or m["state"] for m in told] == ["open", 1, "halted"]
    assert [notice["state"] for notice in other.notices()] == ["open"]


async def test_who_follows_nothing_hears_a_new_state_once(hub):
    peer, _ = joined(hub)
    hub.publish("CN", [window(1), window(2), window(3, state="lunch_break")])
    assert [notice["state"] for notice in peer.notices()] == ["open", "lunch_break"]


async def test_leaving_forgets_everything(hub):
    _, member = joined(hub, Channel(MOUTAI), Channel(TENCENT, fill=False))
    hub.leave(member)
    assert hub.stats() == {"connections": 0, "groups": 0, "slow": 0}
    assert not hub.followed("CN")
    assert not hub.followed("HK")


async def test_a_held_channel_waits_for_its_release_and_the_others_go_on(hub):
    peer, member = joined(hub, Channel(MOUTAI), Channel(PINGAN))
    hub.publish("CN", [window(1, ("600519.SH", 1), ("000001.SZ", 1))])
    hub.hold(member, frozenset({Channel(MOUTAI)}))
    hub.publish("CN", [window(2, ("600519.SH", 2), ("000001.SZ", 2))])
    hub.release(member, frozenset({Channel(MOUTAI)}))
    hub.publish("CN", [window(3, ("600519.SH", 3), ("000001.SZ", 3))])
    assert [(symbol, seq) for symbol, seq, _ in peer.bars()] == [
        ("000001.SZ", 1), ("600519.SH", 1), ("000001.SZ", 2), ("000001.SZ", 3), ("600519.SH", 3),
    ]  # fmt: skip
