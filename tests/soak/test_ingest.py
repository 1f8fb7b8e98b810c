"""What `./dev soak ingest` is judged by: its exchange, its faults and its judge are matters of arithmetic."""

import json

import pytest

from benchmarks.soak.chaos import FULL, OPENS_S, SHORT, faults
from benchmarks.soak.exchange import Exchange
from benchmarks.soak.ingest import Streamed, differing, heard
from benchmarks.soak.sender import acknowledged

OPENS_MS = 1_796_001_900_000
OFTEN, ONCE = ["600519.SH", "000001.SZ"], ["430047.BJ"]


def exchange(seed: int = 1) -> Exchange:
    return Exchange(seed, OFTEN, ONCE, opens_ms=OPENS_MS, ends_ms=OPENS_MS + 60_000)


def test_an_exchange_tells_the_same_totals_however_often_it_is_asked() -> None:
    step_by_step, at_once = exchange(), exchange()
    for at_ms in range(OPENS_MS, OPENS_MS + 90_000, 700):
        step_by_step.go_on_to(at_ms)
    at_once.go_on_to(OPENS_MS + 90_000)

    assert step_by_step.totals == at_once.totals
    assert exchange(2).totals != at_once.totals
    assert all(
        one.low_e4 * one.volume <= one.turnover_e4 <= one.high_e4 * one.volume for one in at_once.totals.values()
    )


def test_the_auction_prints_at_the_opening_and_nothing_is_traded_before_it() -> None:
    made = exchange()
    made.go_on_to(OPENS_MS - 1)
    assert made.totals == {}
    made.go_on_to(OPENS_MS)
    assert set(made.totals) == set(OFTEN)


@pytest.mark.parametrize("size", [SHORT, FULL])
def test_a_seed_has_its_faults_and_each_kind_of_them(size) -> None:
    planned = faults(11, size)
    kinds = [one.kind for one in planned]

    assert planned == faults(11, size) != faults(12, size)
    assert planned == sorted(planned, key=lambda one: one.at_s)
    assert (kinds.count("kill"), kinds.count("lose")) == (size.kills + 1, size.losses)
    assert (kinds.count("stop"), kinds.count("away")) == (2, 1)
    assert planned[0].at_s < OPENS_S < planned[0].at_s + planned[0].lasts_s, "workers are away over the print"
    assert planned[-1].at_s + planned[-1].lasts_s < size.lasts_s
    assert {part for one in planned if one.kind == "kill" for part in one.targets} >= {"store", "history"}


def test_what_differs_is_named() -> None:
    traded = {"600519.SH": (100, 5), "000001.SZ": (7, 7)}

    assert differing(traded, dict(traded)) == []
    assert differing(traded, {"600519.SH": (100, 6), "430047.BJ": (1, 1)}) == ["000001.SZ", "430047.BJ", "600519.SH"]


KEPT = Streamed(
    bars={("e1", "a", seq): (10, 10_000) for seq in (1, 2, 3, 4, 5)} | {("e2", "a", 7): (10, 10_000)},
    windows={"e1": {1, 2, 3, 4, 5}, "e2": {7}},
)


def judged(*notes: list) -> tuple[int, ...]:
    found = heard(map(json.dumps, notes), KEPT, "e2")
    return found.wrong, found.double, found.missing, found.lost, found.gaps


def bar(epoch: str, seq: int, volume: int = 10) -> list:
    return ["bar", epoch, "a", seq, volume, 1.0]


def test_a_client_that_heard_every_bar_once_is_right() -> None:
    assert judged(*(bar("e1", seq) for seq in (1, 2, 3, 4, 5)), bar("e2", 7)) == (0, 0, 0, 0, 0)


def test_a_client_is_wrong_in_each_way() -> None:
    assert judged(bar("e1", 1), bar("e1", 4))[2] == 2, "missing"
    assert judged(bar("e1", 1), bar("e1", 2), bar("e1", 2), bar("e1", 3))[1] == 1, "double"
    assert judged(bar("e1", 1, volume=11))[0] == 1, "another volume"
    assert judged(bar("e2", 8))[0] == 1, "a bar that nobody wrote"


def test_a_gap_that_was_told_excuses_what_is_missing_and_an_epochs_end_what_the_store_lost() -> None:
    assert judged(bar("e1", 1), ["gap", "e1", "trimmed"], bar("e1", 4), bar("e1", 5)) == (0, 0, 0, 0, 1)
    assert judged(bar("e1", 5), bar("e1", 6), ["gap", "e2", "epoch_changed"], bar("e2", 7)) == (0, 0, 0, 1, 1)


def test_a_note_that_was_cut_off_is_none(tmp_path) -> None:
    file = tmp_path / "notes"
    assert acknowledged(file) == []
    file.write_text("600519.SH 17\n000001.SZ 1")
    assert acknowledged(file) == [("600519.SH", 17)]
