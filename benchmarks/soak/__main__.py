"""`./dev soak [PART ...] [--short] [--json FILE]`: one part after the other, one table; exit 1 when one is missed."""

import argparse
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

PARTS = (
    "autobahn", "cuts", "storm", "crowd", "stuck", "fuzz", "languages", "bombs", "outages", "oracle", "boundaries",
    "ingest", "money",
)  # fmt: skip
SEEDED = ("oracle", "ingest", "money")


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev soak", description="What takes minutes to show; docs/soak.md.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--short", action="store_true", help="all parts, smaller: under 4 minutes")
    parser.add_argument(
        "--seed", type=int, default=11, help="of ingest's faults and trades; the same again: the same faults"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures by name, for scripts")
    asked = parser.parse_args(words)
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return asked


def main(words: list[str]) -> int:
    asked = parse(words)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # thousands of sockets at either end
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A database that the environment names is none of ours: nothing here may need one.
    os.environ["TICKPACK_EMBEDDED"], os.environ["DATABASE_URL"] = "1", "postgresql://nobody@127.0.0.1:1/none"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from benchmarks import machine
    from benchmarks.soak.ground import Ground, ground
    from benchmarks.soak.report import Figure, Skipped, as_json, missed, table

    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    began, load_before = time.monotonic(), os.getloadavg()[0]
    for part in asked.parts or PARTS:
        print(f"[{time.monotonic() - began:5.0f} s] {part} ...", file=sys.stderr, flush=True)
        run: Callable[..., list[Figure]] = import_module(f"benchmarks.soak.{part}").run
        part_began, standing = time.monotonic(), None
        try:
            with ground() as standing:
                assert isinstance(standing, Ground)
                seeded = {"seed": asked.seed} if part in SEEDED else {}
                figures += run(standing, short=asked.short, **seeded)
        except Skipped as why:
            skipped[part] = str(why)
        except Exception as error:  # the other parts and the table are worth having all the same
            traceback.print_exc()
            skipped[part] = f"it broke: {type(error).__name__}: {error}"
        figures.append(Figure(part, "seconds", round(time.monotonic() - part_began, 1)))
        figures.append(Figure(part, "load average", round(os.getloadavg()[0], 2)))
    print(table(figures, skipped))
    print(f"machine: {machine.line()}; load before {load_before:.2f}; {time.monotonic() - began:.0f} s")
    if asked.json:
        facts = {"machine": machine.line(), "load_before": load_before, "short": asked.short}
        asked.json.write_text(json.dumps(as_json(figures, skipped, facts), indent=1) + "\n")
    return 1 if missed(figures) or skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
