"""`./dev bench pages`: what Lighthouse says of each page, of a run of its own: accessibility, best practices, speed.

Lighthouse is asked for by npx (LIGHTHOUSE) or given by `--lighthouse`. Speed is the median of several loads and stands
beside that of the page to log in, loaded in turns, as a busy machine slows both.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

ROOT = Path(__file__).resolve().parents[1]
LIGHTHOUSE = "npx --yes lighthouse@12.8.2"  # the newest that runs on Node 20
OPEN = ("/", "/subscribe/", "/carried/", "/delivered/", "/status/", "/questions/", "/contact/", "/terms/", "/privacy/",
        "/refunds/", "/accounts/login/", "/accounts/signup/")  # fmt: skip
OWN = (
    "/dashboard/",
    "/live/",
    "/connect/",
    "/balance/",
    "/fapiao/",
    "/mails/",
    "/account/",
    "/account/keys/",
    "/help/",
)
FAST = ("/", "/subscribe/")
BESIDE = "/accounts/login/"
WANTED = 95


@contextmanager
def running() -> Iterator[dict[str, Any]]:
    """Start the whole of Tickpack in a folder of its own; give its facts; end it."""
    with tempfile.TemporaryDirectory(prefix="tickpack-pages-") as folder:
        facts, log = Path(folder) / "var" / "up.json", (Path(folder) / "log").open("wb")
        command = [str(ROOT / "dev"), "up", "--var", str(facts.parent), "--port", "0"]
        with subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as process:
            try:
                while not facts.exists():
                    if process.poll() is not None:
                        sys.exit(f"it did not start:\n{Path(log.name).read_text()}")
                    time.sleep(0.1)
                yield json.loads(facts.read_text())
            finally:
                process.terminate()
                process.wait(20)


def logged_in(base: str, buyer: dict[str, str]) -> str:
    """Return the Cookie header of a session of the buyer."""
    jar = CookieJar()
    browser: OpenerDirector = build_opener(HTTPCookieProcessor(jar))
    page = browser.open(f"{base}{BESIDE}").read().decode()
    hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert hidden, "the page to log in has no form"
    form = {"login": buyer["email"], "password": buyer["password"], "csrfmiddlewaretoken": hidden[1]}
    browser.open(f"{base}{BESIDE}", urlencode(form).encode()).read()
    return "; ".join(f"{one.name}={one.value}" for one in jar)


def judged(lighthouse: list[str], url: str, cookie: str, categories: tuple[str, ...]) -> dict[str, Any]:
    """Return Lighthouse's report of one load: scores 0-100 by category, and the audits that cost points."""
    flags = ["--quiet", "--output=json", f"--only-categories={','.join(categories)}",
             "--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage"]  # fmt: skip
    if cookie:
        flags.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
    chrome = os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("google-chrome") or ""
    env = os.environ | ({"CHROME_PATH": chrome} if chrome else {})
    done = subprocess.run([*lighthouse, url, *flags], capture_output=True, text=True, env=env, check=False)
    if done.returncode != 0:
        sys.exit(f"Lighthouse could not look at {url}:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    scores = {name: round(100 * (one["score"] or 0)) for name, one in report["categories"].items()}
    costly = [
        one["id"]
        for category in report["categories"].values()
        for one in category["auditRefs"]
        if one["weight"] and (report["audits"][one["id"]].get("score") or 0) < 1
        and report["audits"][one["id"]]["scoreDisplayMode"] == "binary"
    ]  # fmt: skip
    return {"scores": scores, "costly": costly}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./dev bench pages", description="What Lighthouse says of each page.")
    parser.add_argument("--lighthouse", default=LIGHTHOUSE, help=f"the command; {LIGHTHOUSE} by default")
    parser.add_argument("--runs", type=int, default=5, help="loads of each page whose speed is taken")
    parser.add_argument("--only", nargs="*", default=[], metavar="PATH")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args(words)
    lighthouse = shlex.split(asked.lighthouse)
    figures: dict[str, Any] = {}
    low = []
    with running() as facts:
        base, cookie = facts["panel_url"], logged_in(facts["panel_url"], facts["buyer"])
        for path in OPEN + OWN:
            if asked.only and path not in asked.only:
                continue
            found = judged(lighthouse, base + path, cookie if path in OWN else "", ("accessibility", "best-practices"))
            figures[path] = found
            said = ", ".join(found["costly"])
            print(f"{path:<20} {found['scores']['accessibility']:>4} {found['scores']['best-practices']:>4}  {said}")
            low += [path for score in found["scores"].values() if score < WANTED]
        speeds = defaultdict(list)
        for _ in range(asked.runs):
            for path in (*FAST, BESIDE):
                speeds[path].append(judged(lighthouse, base + path, "", ("performance",))["scores"]["performance"])
    beside = statistics.median(speeds[BESIDE]) if speeds else 0
    for path, scores in speeds.items():
        middle = statistics.median(scores)
        figures[f"speed {path}"] = middle
        print(
            f"{path:<20} performance {middle:.0f} of 100 (median of {len(scores)}; {middle / beside:.2f} of {BESIDE})"
        )
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    if low:
        sys.exit(f"below {WANTED}: {', '.join(sorted(set(low)))}")
