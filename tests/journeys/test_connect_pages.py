"""The pages that show how to connect: what stands there runs as it stands, and everybody can read them."""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.journeys.test_panel_pages import LANGUAGES, WIDTHS, log_in, look

pytestmark = pytest.mark.whole
ROOT = Path(__file__).resolve().parents[2]
DIALECTS = sorted(folder.name for folder in (ROOT / "templates" / "connect").iterdir())
# What tells that a program heard of the market, not only that it connected.
MOVES = {
    "native": lambda said: said.get("type") == "kline",
    "itick": lambda said: isinstance(said.get("data"), dict) and "type" in said["data"],
    "tickdb": lambda said: said.get("cmd") in ("ticker", "trade"),
    "alltick": lambda said: said.get("cmd_id") == 22998,
    "realtime_hk": lambda said: "last_price" in said,
    "rt_receiver": lambda said: said["type"] == "tick",
}
ANSWERED = {
    "native": lambda said: said["max_subs"] == 5,
    "itick": lambda said: said["code"] == 0 and said["data"],
    "tickdb": lambda said: said["code"] == 0 and len(said["data"]) == 2,
    "alltick": lambda said: said["ret"] == 200 and said["data"],
    "rt_receiver": lambda said: said["code"] == 0 and len(said["accepted_symbols"]) == 2,
}


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    from tests.journeys.conftest import Run

    run = Run(tmp_path_factory.mktemp("connect") / "var", "--port", "0").wait()
    yield run
    run.stop()


@pytest.fixture(scope="module")
def snippets(panel, browser) -> dict[str, dict[str, str]]:
    """Return what the buyer's pages show: language -> file -> text."""
    context = browser.new_context()
    page = context.new_page()
    log_in(page, panel, "buyer")
    found = {}
    for name in DIALECTS:
        page.goto(f"{panel.facts['panel_url']}/connect/{name}/")
        shown = page.get_by_test_id("snippet").all()
        found[name] = {one.get_attribute("data-kind").rpartition("/")[2]: one.text_content() for one in shown}
    context.close()
    return found


def of_kind(ending: str) -> list:
    files = sorted((ROOT / "templates" / "connect").glob(f"*/*{ending}"))
    return [pytest.param(file.parent.name, file.name, id=f"{file.parent.name}/{file.name}") for file in files]


def test_every_file_of_the_templates_is_shown_with_the_token_and_the_address(snippets, panel):
    for name in DIALECTS:
        files = {file.name for file in (ROOT / "templates" / "connect" / name).glob("*.*.txt")}
        assert set(snippets[name]) == files
        for text in snippets[name].values():
            assert "{{" not in text
            assert re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text)
            assert panel.facts["panel_url"].partition("://")[2].rstrip("/") in text


@pytest.mark.parametrize(("name", "file"), [one for one in of_kind(".py.txt") if "socket" in one.values[1]])
def test_the_python_program_for_the_socket_hears_the_market(name, file, snippets, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(snippets[name][file])
    process = subprocess.Popen(
        [sys.executable, "-u", str(program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    patience = threading.Timer(60, process.kill)
    patience.start()
    heard = []
    try:
        for line in process.stdout:
            heard.append(line)
            if line.startswith("{") and MOVES[name](json.loads(line)):
                return
    finally:
        patience.cancel()
        process.kill()
        process.communicate()
    pytest.fail("it heard nothing of the market: " + "".join(heard[-10:]))


@pytest.mark.parametrize(("name", "file"), [one for one in of_kind(".py.txt") if "socket" not in one.values[1]])
def test_the_other_python_programs_are_answered(name, file, snippets):
    done = subprocess.run(
        [sys.executable, "-c", snippets[name][file]], capture_output=True, text=True, timeout=30, check=True
    )

    assert "00700" in done.stdout or "'700" in done.stdout, done.stdout


@pytest.mark.parametrize(("name", "file"), [one for one in of_kind(".sh.txt") if "wscat" not in one.values[1]])
def test_the_commands_for_curl_are_answered(name, file, snippets):
    done = subprocess.run(["sh", "-ec", snippets[name][file]], capture_output=True, text=True, timeout=30, check=True)

    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert len(answers) == snippets[name][file].count("curl ")
    assert [answer for answer in answers if not ANSWERED[name](answer)] == []


def test_the_script_for_the_browser_hears_the_market(snippets, panel, browser):
    context = browser.new_context()
    page, heard = context.new_page(), []
    page.on("console", lambda said: heard.append(said.text))
    page.goto(f"{panel.facts['panel_url']}/")
    page.evaluate(f"() => {{ {snippets['native']['browser.js.txt']} }}")

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any('"type":"kline"' in text for text in heard):
        page.wait_for_timeout(100)
    context.close()
    assert any('"type":"kline"' in text for text in heard), heard


def test_a_snippet_is_copied_whole(panel, open_page):
    page: Page = open_page()
    log_in(page, panel, "buyer")
    page.goto(f"{panel.facts['panel_url']}/connect/tickdb/")
    page.locator("button[data-copy=rest-curl]").click()

    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#rest-curl").text_content()
    assert "&interval=1m" in page.locator("#rest-curl").text_content()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_readable_for_everybody(panel, open_page, language, width):
    page = open_page(width=WIDTHS[width], locale=LANGUAGES[language])
    log_in(page, panel, "buyer")
    page.goto(f"{panel.facts['panel_url']}/dashboard/")
    # By the keyboard: what the page learns of the node a moment later may move a link away from below a pointer.
    page.locator("main a[href='/connect/']").press("Enter")
    page.wait_for_url("**/connect/**")
    wrong = []
    for name in DIALECTS:
        page.locator(f"nav.tabs a[href*='/{name}/']").click()
        page.wait_for_url(f"**/connect/{name}/**")
        wrong += look(page, f"connect-{name}-{language}-{width}")

    assert wrong == []
    assert page.locator("nav.tabs a[aria-current=page]").count() == 1


def test_a_language_that_nobody_speaks_is_404_and_a_stranger_logs_in_first(panel, open_page):
    page = open_page()
    assert page.goto(f"{panel.facts['panel_url']}/connect/").url.endswith("/accounts/login/?next=/connect/")
    log_in(page, panel, "admin")  # who has bought nothing
    page.goto(f"{panel.facts['panel_url']}/connect/")
    assert page.get_by_test_id("snippet").count() == 0
    assert page.get_by_role("button", name="See the packs").count() == 1
    assert page.request.get(f"{panel.facts['panel_url']}/connect/klingon/").status == 404
