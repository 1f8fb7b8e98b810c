"""A line's standing follows from what it told lately, and the lead goes to the best healthy line and back by rule."""

import pytest

from streaming.domain.lines import Leadership, LineSetting, LineStats, Standing, Switch

NOW = 1_795_600_000_000


def standing(name: str, *, moved: int = 50, refused: float = 0.0, lag_ms: int | None = 100, state: str = "following"):
    return Standing(name, state, lag_ms, lag_ms, 10.0, 300, refused, moved)


def look(lead: Leadership, *standings: Standing, now_ms: int = NOW, is_open: bool = True, complete: bool = True):
    told, switch = lead.look(
        now_ms, {one.name: one for one in standings}, is_open=is_open, is_complete=lambda line: complete
    )
    return {name: one.state for name, one in told.items()}, switch


def two(**more) -> Leadership:
    return Leadership([LineSetting("a", rank=1, **more), LineSetting("b", rank=2)])


def test_the_first_rank_leads_and_of_one_rank_the_heavier():
    assert two().leader == "a"
    assert Leadership([LineSetting("a"), LineSetting("b", weight=2)]).leader == "b"
    assert Leadership([LineSetting("a"), LineSetting("b", rank=3, mode="prefer")]).leader == "b"
    assert Leadership([LineSetting("a", mode="drain"), LineSetting("b", rank=2)]).leader == "b"
    assert Leadership([LineSetting("a", mode="drain")]).leader == ""


@pytest.mark.parametrize(
    ("ill", "reason"),
    [
        (standing("a", moved=0), "mute"),
        (standing("a", refused=0.02), "refused"),
        (standing("a", lag_ms=3_500), "late"),
        (standing("a", lag_ms=61_000), "delayed"),
        (standing("a", state="waiting", moved=0, lag_ms=None), "waiting"),
    ],
)
def test_a_line_that_is_ill_gives_the_lead_to_the_next_and_gets_it_back_after_a_healthy_minute(ill, reason):
    lead = two()
    assert look(lead, standing("a"), standing("b")) == ({"a": "leading", "b": "following"}, None)

    states, switch = look(lead, ill, standing("b"), now_ms=NOW + 1_000)

    assert (states, switch) == ({"a": reason, "b": "leading"}, Switch(NOW + 1_000, "a", "b", reason))
    assert look(lead, standing("a"), standing("b"), now_ms=NOW + 60_000)[1] is None, "not yet"
    assert look(lead, standing("a"), standing("b"), now_ms=NOW + 61_000, complete=False)[1] is None, "it is behind"
    assert look(lead, standing("a"), standing("b"), now_ms=NOW + 62_000)[1] == Switch(NOW + 62_000, "b", "a", "back")


@pytest.mark.parametrize(
    "quiet",
    [
        {"is_open": False},  # at lunch everybody is silent
        {"b": standing("b", moved=19)},  # a few instruments more are no proof
        {"b": standing("b", moved=0)},
    ],
)
def test_silence_alone_is_no_illness(quiet):
    lead = two()
    other = quiet.pop("b", standing("b"))
    assert look(lead, standing("a", moved=0), other, **quiet) == ({"a": "leading", "b": "following"}, None)


def test_a_drained_line_does_not_make_another_one_mute():
    lead = Leadership([LineSetting("a"), LineSetting("b", rank=2, mode="drain")])
    assert look(lead, standing("a", moved=0), standing("b"))[0] == {"a": "leading", "b": "drained"}


def test_a_late_line_leads_on_where_no_other_is_quicker():
    lead = two()
    assert look(lead, standing("a", lag_ms=4_000), standing("b", lag_ms=5_000))[0]["a"] == "leading"


def test_an_operators_word_counts_at_once():
    lead = two()
    look(lead, standing("a"), standing("b"))
    lead.arrange([LineSetting("a", mode="drain"), LineSetting("b", rank=2)])
    assert look(lead, standing("a"), standing("b"))[1] == Switch(NOW, "a", "b", "drained")
    lead.arrange([LineSetting("a", mode="prefer"), LineSetting("b", rank=2)])
    assert look(lead, standing("a"), standing("b"), now_ms=NOW + 1_000)[1] == Switch(NOW + 1_000, "b", "a", "preferred")
    lead.arrange([LineSetting("c"), LineSetting("b", rank=2)])
    assert lead.leader == "c"


def test_nobody_leads_where_all_are_ill_but_who_led_before():
    lead = two()
    look(lead, standing("a"), standing("b"))
    states, switch = look(lead, standing("a", refused=0.5), standing("b", refused=0.5))
    assert (states, switch, lead.leader) == ({"a": "refused", "b": "refused"}, None, "a")


def test_a_restart_goes_on_with_who_led():
    lead = Leadership([LineSetting("a"), LineSetting("b", rank=2)], "b")
    assert lead.leader == "b"
    assert look(lead, standing("a"), standing("b"))[1] == Switch(NOW, "b", "a", "back")


def test_a_standing_is_of_the_last_minute_and_of_five_seconds():
    stats = LineStats()
    assert stats.standing("a", NOW).state == "waiting"
    assert not stats.moves("600519.SH", 100), "where it begins is no move"
    assert stats.moves("600519.SH", 200)
    assert not stats.moves("600519.SH", 200)
    stats.note(NOW - 30_000, rows=300, refused=3, moved=["600519.SH"], lags_ms=[10, 20, 30])
    stats.note(NOW - 1_000, rows=300, refused=0, moved=["000001.SZ"], lags_ms=[1_000])
    one = stats.standing("a", NOW)
    assert (one.state, one.lag_ms, one.lag_p99_ms) == ("following", 25, 1_000)
    assert (one.rows_per_s, one.refused, one.moved, one.symbols) == (10.0, 0.005, 1, 1)
    later = stats.standing("a", NOW + 45_000)
    assert (later.rows_per_s, later.moved) == (5.0, 0)


def test_a_share_of_a_few_rows_says_nothing():
    stats = LineStats()
    stats.note(NOW, rows=100, refused=50, moved=[], lags_ms=[])
    assert stats.standing("a", NOW).refused == 0


def test_a_clock_that_is_ahead_of_ours_is_off():
    stats = LineStats()
    stats.note(NOW, rows=20, refused=0, moved=[], lags_ms=[-3_000] * 19)
    assert not stats.clock_is_off(), "too few"
    stats.note(NOW, rows=20, refused=0, moved=[], lags_ms=[-3_000])
    assert stats.clock_is_off()


@pytest.mark.parametrize(
    ("own", "other", "ill"),
    [
        (standing("a", moved=0), standing("b", moved=20), "mute"),
        (standing("a", moved=0), standing("b", moved=19), "leading"),
        (standing("a", moved=1), standing("b", moved=20), "leading"),
        (standing("a", refused=0.01), standing("b"), "leading"),
        (standing("a", refused=0.0101), standing("b"), "refused"),
        (standing("a", lag_ms=3_000), standing("b"), "leading"),
        (standing("a", lag_ms=3_001), standing("b", lag_ms=3_000), "late"),
        (standing("a", lag_ms=3_001), standing("b", lag_ms=3_001), "leading"),
        (standing("a", lag_ms=3_001), standing("b", moved=0), "leading"),
        (standing("a", lag_ms=60_000), standing("b", lag_ms=60_000), "leading"),
        (standing("a", lag_ms=60_001), standing("b", lag_ms=60_000), "delayed"),
    ],
)
def test_a_line_is_ill_beyond_each_bound_and_not_at_it(own: Standing, other: Standing, ill: str):
    assert look(two(), own, other)[0]["a"] == ill


def test_a_line_leads_again_a_minute_after_it_was_ill_and_not_before():
    lead = two()
    look(lead, standing("a", moved=0), standing("b"))
    assert lead.leader == "b"
    assert look(lead, standing("a"), standing("b"), now_ms=NOW + 59_999)[1] is None
    assert look(lead, standing("a"), standing("b"), now_ms=NOW + 60_000)[1] == Switch(NOW + 60_000, "b", "a", "back")


def noted(rows: int, refused: int = 0, *, moved: int = 0, lags_ms: tuple[int, ...] = (), at_ms: int = NOW) -> LineStats:
    stats = LineStats()
    stats.note(
        at_ms, rows=rows, refused=refused, moved=[f"{600_000 + nth}.SH" for nth in range(moved)], lags_ms=lags_ms
    )
    return stats


def test_a_share_of_refusals_is_told_from_two_hundred_rows_on():
    assert noted(199, 199).standing("a", NOW).refused == 0.0
    assert noted(200, 50).standing("a", NOW).refused == 0.25


def test_a_line_waits_until_it_has_told_a_row():
    assert LineStats().standing("a", NOW).state == "waiting"
    stats = noted(0)
    assert stats.standing("a", NOW).state == "waiting"
    stats.note(NOW, rows=1, refused=0, moved=[], lags_ms=[])
    stats.note(NOW, rows=0, refused=0, moved=[], lags_ms=[])
    assert stats.standing("a", NOW).state == "following"


def test_rows_count_for_a_minute_and_moves_for_five_seconds_by_whole_seconds():
    stats = noted(6, moved=3)
    assert stats.standing("a", NOW + 59_999).rows_per_s == 0.1
    assert stats.standing("a", NOW + 60_000).rows_per_s == 0.0
    assert stats.standing("a", NOW + 4_999).moved == 3
    assert stats.standing("a", NOW + 5_000).moved == 0


def test_the_newest_thousand_lags_say_how_late_a_line_is():
    stats = noted(1, lags_ms=(9_000,) * 501 + (100,) * 499)
    assert stats.standing("a", NOW).lag_ms == 9_000
    stats.note(NOW, rows=1, refused=0, moved=[], lags_ms=[100] * 2)
    assert stats.standing("a", NOW).lag_ms == 100
    stats.note(NOW, rows=1, refused=0, moved=[], lags_ms=[5] * 1_000 + [7])
    assert stats._lags.maxlen == len(stats._lags) == 1_000


def test_a_clock_is_off_that_is_more_than_two_seconds_ahead_in_twenty_rows():
    assert not noted(1, lags_ms=(-2_000,) * 20).clock_is_off()
    assert noted(1, lags_ms=(-2_001,) * 20).clock_is_off()
    assert not noted(1, lags_ms=(-2_001,) * 19).clock_is_off()
