"""What a run says: ratios, the table, and the targets of the project beside what was reached."""

from typing import Any

from benchmarks.workloads import Figures

LABELS = {
    "c": "C limit (join + write)",
    "tickpack": "Tickpack",
    "tickpack_2": "Tickpack, two processes",
    "node_ws": "Node ws",
    "nats": "NATS over WebSocket",
    "asgi_send": "Hub over ASGI send()",
    "naive": "Channels group_send",
}
# figure -> (what it is, the least or most it should be, the goal); ">=" or "<=".
TARGETS: tuple[tuple[str, str, str, float, float | None], ...] = (
    ("w1.tickpack.of_c_limit", "W1 of the C limit", ">=", 0.50, 0.55),
    ("w1.tickpack.x_nats", "W1 x NATS", ">=", 5, None),
    ("w1.tickpack.x_node_ws", "W1 x Node ws", ">=", 5, None),
    ("w1.tickpack.x_naive", "W1 x Channels group_send", ">=", 900, None),
    ("w1.tickpack.x_asgi_send", "W1 x hub over ASGI send()", ">=", 40, None),
    ("w1.tickpack_2.x_tickpack", "W1 of two processes x one", ">=", 1.6, None),
    ("w2.tickpack.p99_ms", "W2 p99 of a burst, ms", "<=", 15, None),
    ("w2.tickpack.cpu_s_per_million", "W2 server CPU s per million", "<=", 0.40, None),
    ("w2.tickpack.p99_x_c", "W2 p99 of a burst x the C limit's", "<=", 2, None),
    ("w2.tickpack.cpu_x_c", "W2 server CPU x the C limit's", "<=", 2, None),
    ("w3.tickpack.connects_per_s", "W3 connects/s with EdDSA tokens", ">=", 1000, 1500),
    ("w3.tickpack.kb_per_connection", "W3 kB of memory a connection", "<=", 40, 30),
    ("w3.tickpack.refused", "W3 connections refused", "<=", 0, None),
    ("w3.tickpack.unanswered", "W3 connections not answered", "<=", 0, None),
    ("w4.tickpack.p99_ratio", "W4 p99 of the others, x without", "<=", 1.2, None),
    ("w4.tickpack.gone_s", "W4 stuck ones gone after s", "<=", 15, None),
    ("w4.tickpack.kb_each", "W4 kB of memory a stuck one", "<=", 100, None),
    ("w5.tickpack.p99_ratio", "W5 p99 of the others, x undisturbed", "<=", 2, None),
    ("rest.kline_latest.of_bare", "REST bars: requests/s of a plain Django view's", ">=", 0.9, None),
    ("rest.ticker.of_bare", "REST tickers: requests/s of a plain Django view's", ">=", 0.9, None),
    ("dialects.five_of_one", "five dialects' CPU a delivery of one's", "<=", 1.3, None),
    ("rest.kline_latest.p50_ms", "REST latest of 50 symbols, p50 ms", "<=", 5, None),
    ("w5.tickpack.clients_with_gaps_or_repeats", "W5 clients with gaps or repeats", "<=", 0, None),
)


def ratios(figures: Figures) -> Figures:
    """Return each server against the C limit, and Tickpack against each peer, within one repetition."""
    found: Figures = {}
    rate = {peer: figures.get(f"w1.{peer}.deliveries_per_s") for peer in LABELS}
    cost = {peer: figures.get(f"w1.{peer}.cpu_s_per_million") for peer in LABELS}
    for peer, per_s in rate.items():
        if per_s and rate["c"] and peer != "c":
            found[f"w1.{peer}.of_c_limit"] = per_s / rate["c"]
            found[f"w1.{peer}.of_c_limit_by_cpu"] = (cost["c"] or 0) / (cost[peer] or 1)
        if per_s and rate["tickpack"] and peer == "tickpack_2":
            found[f"w1.{peer}.x_tickpack"] = per_s / rate["tickpack"]
        elif per_s and rate["tickpack"] and peer not in ("c", "tickpack"):
            found[f"w1.tickpack.x_{peer}"] = rate["tickpack"] / per_s
            # On a machine that is not quiet the time on the processor says more than the time on the wall.
            found[f"w1.tickpack.x_{peer}_by_cpu"] = (cost[peer] or 0) / (cost["tickpack"] or 1)
    # What a burst costs depends on the machine; how much more than the C program's hardly does (ADR 0013).
    for name, ratio in (("p99_ms", "p99_x_c"), ("cpu_s_per_million", "cpu_x_c")):
        ours, theirs = figures.get(f"w2.tickpack.{name}"), figures.get(f"w2.c.{name}")
        if ours and theirs:
            found[f"w2.tickpack.{ratio}"] = ours / theirs
    return found


def reached(figures: Figures) -> list[tuple[str, float, str, str]]:
    """Return (what, the figure, the target in words, verdict) for each target that was measured."""
    rows = []
    for name, words, relation, target, goal in TARGETS:
        if name not in figures:
            continue
        value = figures[name]
        better = value >= target if relation == ">=" else 0 <= value <= target
        at_goal = goal is not None and (value >= goal if relation == ">=" else value <= goal)
        wanted = f"{relation} {target:g}" + (f", goal {goal:g}" if goal is not None else "")
        verdict = "goal" if at_goal else "yes" if better else "NO"
        rows.append((words, value, wanted, "robbed" if _robbed(name, figures) else verdict))
    return rows


def _robbed(name: str, figures: Figures) -> bool:
    """Tell whether a ratio of W1 says nothing: one of its servers had less than 0.9 of its processor at saturation."""
    if not name.startswith("w1."):
        return False
    other = "c" if name.endswith("of_c_limit") else name.rpartition(".x_")[2]
    shares = (figures.get(f"w1.{peer}.server_cpu_share", 1.0) for peer in (name.split(".")[1], other))
    return min(shares) < 0.9


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _tables(figures: Figures) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return the tables: title, head, rows."""
    get = figures.get
    ran = [peer for peer in LABELS if f"w1.{peer}.deliveries_per_s" in figures]
    first = [
        [
            LABELS[peer],
            _number(get(f"w1.{peer}.deliveries_per_s")),
            _number(get(f"w1.{peer}.cpu_s_per_million"), 3),
            "1.00" if peer == "c" else _number(get(f"w1.{peer}.of_c_limit"), 4 if peer in ("naive",) else 3),
            "-" if peer.startswith(("c", "tickpack")) else _number(get(f"w1.tickpack.x_{peer}"), 1),
            _number(get(f"w1.{peer}.server_cpu_share"), 2),
            _number(get(f"w1.{peer}.loadgen_cpu_share"), 2),
            _number(get(f"w2.{peer}.p50_ms"), 1),
            _number(get(f"w2.{peer}.p99_ms"), 1),
            _number(get(f"w2.{peer}.cpu_s_per_million"), 2),
        ]
        for peer in ran
    ]
    head = ["server, one process", "W1 deliveries/s", "CPU s/M", "of C", "Tickpack x", "server CPU", "loadgen CPU"]
    tables = []
    if first:
        tables.append(("Fan-out", [*head, "W2 p50 ms", "p99 ms", "CPU s/M"], first))
    rest = [[name, _number(value, 3)] for name, value in sorted(figures.items()) if name[:2] not in ("w1", "w2")]
    if rest:
        tables.append(("Connections, slow readers, resume, REST", ["figure", "median"], rest))
    wanted = [[what, f"{value:,.3g}", target, verdict] for what, value, target, verdict in reached(figures)]
    if wanted:
        tables.append(("Targets", ["what", "reached", "wanted", "met"], wanted))
    return tables


def _notes(facts: dict[str, Any]) -> list[str]:
    repeated = ", ".join(f"{name.upper()} {count}" for name, count in facts["repetitions"].items())
    lines = [
        f"machine: {facts['machine']}; load before the run {facts['load_before']}",
        f"{facts['placement']}; medians; repetitions: {repeated}; {facts['seconds']} s",
        *(f"{LABELS[peer]}: {version}" for peer, version in facts["versions"].items()),
    ]
    return lines + [f"left out: {name}: {why}" for name, why in facts["skipped"].items()]


def page(figures: Figures, facts: dict[str, Any]) -> str:
    """Return the report for a terminal."""
    parts = []
    for title, head, rows in _tables(figures):
        widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
        lines = [
            "  ".join(
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in [head, *rows]
        ]
        parts.append("\n".join([title, *(f"  {line}" for line in lines)]))
    return "\n\n".join([*parts, "\n".join(_notes(facts))])


def markdown(figures: Figures, facts: dict[str, Any]) -> str:
    """Return the report as the page that is committed."""
    parts = [
        f"# Fan-out, {facts['date'][:10]}\n\n"
        f"`{facts['command']}`: 1,000 connections x 50 of 1,000 symbols, all sets different (W1 as fast as it goes, "
        "W2 a round each 1.5 s); what the workloads are stands in `benchmarks/workloads.py`.\n\n"
        "![deliveries a second](fanout.svg)"
    ]
    for title, head, rows in _tables(figures):
        lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
        parts.append("\n".join([f"## {title}\n", *lines]))
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in _notes(facts))]) + "\n"
