"""The console script `tickpack`."""

import argparse
import sys
from pathlib import Path

from streaming.client.check import check
from streaming.client.find import find
from streaming.client.settings import NotSetUp, find_access
from streaming.client.watch import watch

INTERRUPTED = 130  # as shells count a Ctrl-C


def main(argv: list[str] | None = None) -> None:
    """Run `tickpack` with these arguments, the process's own by default; exits with a status."""
    parser = argparse.ArgumentParser(
        prog="tickpack",
        description="Live 1.5-second bars in a terminal, a search for symbols, and a check of your set-up.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    watching = commands.add_parser("watch", help="show live bars; without a terminal, one line a bar")
    watching.add_argument("symbols", nargs="+", help="600519.SH 00700.HK TEST.CN ...")
    watching.add_argument("--json", action="store_true", help="every message as it came, one a line")
    watching.add_argument("--bars", type=int, default=0, help="end after this many bars")
    checking = commands.add_parser("check", help="try your token and address, and say what is wrong")
    checking.add_argument("symbols", nargs="*", help="also wait for a bar of these")
    finding = commands.add_parser("find", help="find symbols by code, name, pinyin or initials: maotai, 腾讯, 700")
    finding.add_argument("asked", nargs="+", help="maotai gzmt 腾讯 00700.HK 600519,700 ...")
    finding.add_argument("--market", choices=["CN", "HK"], default="", help="of one market alone")
    finding.add_argument("--limit", type=int, default=10, help="at most so many for each (10)")
    finding.add_argument("--json", action="store_true", help="the node's answer as it came")
    for one in (watching, checking, finding):
        one.add_argument(
            "--up", type=Path, metavar="FILE", help="take token and address from a running ./dev up (var/up.json)"
        )
    asked = parser.parse_args(argv)
    try:
        sys.exit(_run(asked))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run(asked: argparse.Namespace) -> int:
    if asked.command == "check":
        return check(asked.up, asked.symbols)
    try:
        access = find_access(asked.up)
    except NotSetUp as error:
        sys.exit(f"tickpack: {error}")
    if asked.command == "find":
        return find(access, asked.asked, market=asked.market, limit=asked.limit, as_json=asked.json)
    return watch(access, asked.symbols, as_json=asked.json, bars=asked.bars)


if __name__ == "__main__":
    main()
