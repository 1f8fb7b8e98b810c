"""The fan-out benchmark: its C compiles without a warning, a small run delivers exactly what was published, its check
finds what is missing, and the figures have the names that scripts read."""

import json
import subprocess
import sys

import pytest

from benchmarks import build, chart, report, rounds
from benchmarks.peers import CLimit, Shape, Tickpack, everyone, seq_at
from benchmarks.stage import stage
from config.embedded.children import free_port

pytestmark = [pytest.mark.whole, pytest.mark.alone]
SMALL = Shape(connections=20, each=5, symbols=50)


@pytest.fixture(scope="module")
def a_stage():
    with stage() as running:
        yield running


def test_the_c_programs_compile_without_a_warning(tmp_path):
    assert {"-Wall", "-Wextra", "-Werror"} <= set(build.FLAGS)

    assert build.program("loadgen", tmp_path).stat().st_mode & 0o100
    assert build.program("climit", tmp_path).stat().st_mode & 0o100


@pytest.mark.parametrize("peer", [CLimit(), Tickpack()], ids=lambda peer: peer.name)
def test_twenty_connections_get_each_bar_once_and_in_order(a_stage, peer):
    with peer.run(a_stage, SMALL) as running:
        measured = a_stage.load(running.arguments("saturate:0.2:0.5", "paced:0.1:1:3", sample=1))

    check = measured["check"]
    assert measured["connect"]["open"] == 20
    assert check["rounds"] > 4
    assert check["bars"] == check["owed"] == check["rounds"] * 20 * 5
    assert check["lost"] == check["wrong"] == check["gone"] == 0
    assert measured["paced"]["latencies"] == measured["paced"]["deliveries"] == 3 * 20 * 5


def test_no_two_connections_follow_the_same_symbols():
    sets = Shape().sets()

    assert {len(set(one)) for one in sets} == {50}
    assert len({tuple(one) for one in sets}) == 1000


def resuming(tmp_path, a_stage, *, drop: int, swap: bool = False) -> dict:
    """Let 4 clients resume 10 windows of 5 symbols at a server of the test's own; return the load generator's check."""
    port, feed = free_port(), free_port()
    server = a_stage.start(
        "resumer",
        [sys.executable, "-m", "tests.benchmarks.resumer", str(port), str(feed), "5", str(drop), str(int(swap))],
        port,
    )
    try:
        names, seq = rounds.symbols(5), rounds.first_seq()
        rounds.text_round(tmp_path / "round", names, seq, lambda symbol, frame: frame + b"\n")
        live = (rounds.upgrade(port), rounds.subscribe(names))
        again = (rounds.upgrade(port), rounds.subscribe(names, since=seq - 11))
        rounds.write_crew(tmp_path / "crew", [live] * 3)
        rounds.write_crew(tmp_path / "storm", [again] * 4)
        options = {
            "--port": port, "--clients": tmp_path / "crew", "--round": tmp_path / "round", "--publish-port": feed,
            "--first-seq": seq, "--per-round": 5, "--sample": 1, "--seq-at": seq_at(), "--storm": tmp_path / "storm",
            "--storm-per-round": 5, "--storm-since": seq - 11,
        }  # fmt: skip
        measured = a_stage.load(
            [part for pair in options.items() for part in pair] + ["paced:0.05:0:3", "storm:0.05:20"]
        )
    finally:
        a_stage.stop(server)
    return measured["check"] | {"caught_up_s": measured["storm"]["caught_up_s"]}


def test_a_whole_resume_passes_the_check(tmp_path, a_stage):
    check = resuming(tmp_path, a_stage, drop=0)

    assert check["caught_up_s"] > 0
    assert (check["wrong"], check["storm_wrong"]) == (0, 0)


def test_a_resume_with_one_bar_missing_does_not(tmp_path, a_stage):
    check = resuming(tmp_path, a_stage, drop=1)

    assert (check["wrong"], check["storm_wrong"]) == (0, 4)


def test_nor_does_one_out_of_order(tmp_path, a_stage):
    check = resuming(tmp_path, a_stage, drop=0, swap=True)

    assert (check["wrong"], check["storm_wrong"]) == (0, 4)


def test_the_figures_have_the_names_that_scripts_read(tmp_path):
    file = tmp_path / "figures.json"

    command = [sys.executable, "-m", "benchmarks", "--short", "--only", "w1", "--peers", "c,tickpack"]
    subprocess.run([*command, "--json", str(file)], check=True, capture_output=True)

    figures = json.loads(file.read_text())
    for name in (
        "w1.tickpack.deliveries_per_s", "w1.tickpack.of_c_limit", "w1.tickpack.of_c_limit_by_cpu",
        "w1.tickpack.cpu_s_per_million", "w1.tickpack.loadgen_cpu_share", "w1.c.deliveries_per_s",
    ):  # fmt: skip
        assert figures[name] > 0, name
    assert figures["machine"]
    assert set(figures["versions"]) == {"c", "tickpack"}
    assert figures["skipped"] == {}


def test_ratios_are_within_one_repetition():
    figures = {"w1.c.deliveries_per_s": 8e6, "w1.c.cpu_s_per_million": 0.1}
    figures |= {"w1.tickpack.deliveries_per_s": 4e6, "w1.tickpack.cpu_s_per_million": 0.25}
    figures |= {"w1.nats.deliveries_per_s": 5e5, "w1.nats.cpu_s_per_million": 2.0}

    found = report.ratios(figures)

    assert found["w1.tickpack.of_c_limit"] == 0.5
    assert found["w1.tickpack.of_c_limit_by_cpu"] == 0.4
    assert found["w1.tickpack.x_nats"] == 8
    assert "w2.tickpack.p99_x_c" not in found

    bursts = {"w2.c.p99_ms": 16.0, "w2.tickpack.p99_ms": 24.0}
    assert report.ratios(figures | bursts)["w2.tickpack.p99_x_c"] == 1.5


def test_a_ratio_of_a_server_that_was_robbed_of_its_processor_meets_no_target():
    figures = {"w1.tickpack.of_c_limit": 1.01, "w1.tickpack.server_cpu_share": 0.97, "w1.c.server_cpu_share": 0.61}

    assert [row[3] for row in report.reached(figures)] == ["robbed"]
    assert [row[3] for row in report.reached(figures | {"w1.c.server_cpu_share": 0.99})] == ["goal"]


def test_the_chart_draws_a_bar_for_each_server_that_ran():
    drawn = chart.draw({f"w1.{name}.deliveries_per_s": 10.0**at for at, name in enumerate(everyone(), 3)})

    assert drawn.count("<rect") == len(everyone())
    assert "Tickpack" in drawn
