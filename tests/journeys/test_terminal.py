"""The live page as a trader uses it: a whole run, a real Chromium, on a desk and on a phone, in both languages."""

import itertools
import json
import re
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from tests.journeys.conftest import Run
from tests.journeys.test_panel_pages import LANGUAGES, WIDTHS, log_in, look

pytestmark = pytest.mark.whole
SOON = 60_000  # ms; a busy machine is slower than any of this
BUDGET = 540_000  # bytes of static files before the servers compress them: the chart library is 198 of them, Pico 83
CHART = "document.querySelector('.t-pane.active').chart"


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("terminal") / "var", "--port", "0").wait(120)
    yield run
    run.stop()


@pytest.fixture
def desk(panel, open_page):
    """Open the page as the buyer, who has no list yet unless symbols are given."""

    def begin(*symbols: str, width: int = 1280, locale: str = "en-US", fresh: bool = True) -> Page:
        page = open_page(width=width, locale=locale)
        page.set_default_timeout(SOON)
        log_in(page, panel, "buyer")
        lists = f"{panel.facts['panel_url']}/live/lists/"
        page.goto(f"{panel.facts['panel_url']}/live/")
        expect(page.locator("#lamp")).to_have_attribute("data-state", "open", timeout=SOON)
        if fresh:
            page.evaluate(
                """async ([lists, symbols]) => {
                    const headers = { "Content-Type": "application/json", "X-CSRFToken": document.getElementById("terminal").dataset.csrf };
                    const post = (address, body) => fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
                    for (const { id } of (await (await fetch(lists)).json()).lists) await post(`${lists}${id}/remove`, {});
                    if (symbols.length) await post(lists, { name: "Desk", symbols });
                    localStorage.clear();
                }""",
                [lists, list(symbols)],
            )
            page.reload()
        expect(rows(page).first).to_be_visible(timeout=SOON)
        return page

    return begin


def rows(page: Page):
    return page.locator("#quotes tbody tr")


def row(page: Page, symbol: str):
    return page.locator(f"#quotes tr[data-symbol='{symbol}']")


def shown(page: Page) -> list[str]:
    return rows(page).evaluate_all("all => all.map((one) => one.dataset.symbol)")


def find(page: Page, text: str) -> None:
    expect(page.locator("dialog[open]")).to_have_count(0, timeout=SOON)
    page.keyboard.press("/")
    page.keyboard.insert_text(text)


def usage(panel) -> dict:
    ask = urllib.request.Request(
        f"{panel.facts['panel_url']}/v1/usage", headers={"Authorization": f"Bearer {panel.facts['token']}"}
    )
    with urllib.request.urlopen(ask, timeout=20) as answer:
        return json.load(answer)


def bars_of(page: Page) -> list[float]:
    return page.evaluate(f"{CHART}.bars.map(({{ time }}) => time)")


def test_nothing_is_followed_that_nobody_asked_for(panel, desk):
    page = desk()

    assert shown(page) == ["TEST.CN"]
    expect(row(page, "TEST.CN").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    expect(page.get_by_role("button", name="Add symbols")).to_be_visible()
    assert usage(panel)["used"] == 0


def test_a_share_is_found_by_its_pinyin_and_the_list_is_on_every_device(panel, desk):
    page = desk(locale="zh-CN")

    find(page, "maotai")
    expect(page.locator("#found [role=option]").first).to_contain_text("贵州茅台")
    page.keyboard.press("Enter")
    expect(row(page, "600519.SH")).to_contain_text("贵州茅台", timeout=SOON)
    expect(row(page, "600519.SH").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    page.wait_for_function("() => document.querySelector('#list-choice').value !== ''")
    page.reload()
    expect(row(page, "600519.SH")).to_be_visible(timeout=SOON)

    other = desk(fresh=False)
    expect(row(other, "600519.SH")).to_contain_text("Kweichow Moutai", timeout=SOON)
    assert shown(other) == ["TEST.CN", "600519.SH"]


def test_a_list_is_pasted_with_any_separator_and_an_ambiguous_code_asks_back(desk):
    page = desk("TEST.CN")

    page.keyboard.press("/")
    page.evaluate("text => navigator.clipboard.writeText(text)", "600519，700、510300；sh601398\n000001")
    page.keyboard.press("Control+v")
    expect(page.locator("#search output")).to_contain_text("Which one is meant: 000001?")
    page.keyboard.press("Enter")
    expect(row(page, "601398.SH")).to_be_visible()
    assert shown(page) == ["TEST.CN", "600519.SH", "00700.HK", "510300.SH", "601398.SH"]
    page.locator("#found [role=option]").nth(1).click()
    expect(page.locator("#search")).not_to_be_visible()  # nothing is left to ask

    find(page, "000001")
    expect(page.locator("#search output")).to_contain_text("several products")
    page.keyboard.press("Enter")
    expect(page.locator("#search")).to_be_visible()  # nothing is guessed
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(row(page, "000001.SZ")).to_be_visible()


def test_prices_have_their_products_decimals_and_the_colour_of_the_day(desk):
    page = desk("510300.SH", "00700.HK", "600519.SH")
    for symbol, form in (("510300.SH", r"^\d\.\d{3}$"), ("00700.HK", r"^\d+\.\d$"), ("600519.SH", r"^\d+\.\d\d$")):
        expect(row(page, symbol).locator("[data-cell=last]")).to_have_text(re.compile(form), timeout=SOON)
        expect(row(page, symbol).locator("[data-cell=percent]")).not_to_have_text("–", timeout=SOON)
    wrong = page.evaluate(
        """[...document.querySelectorAll("#quotes tbody tr")].filter((row) => {
            const text = row.querySelector("[data-cell=change]").textContent, { mood } = row.querySelector("[data-cell=last]").dataset;
            return mood !== (text.startsWith("+") ? "up" : text.startsWith("−") ? "down" : "");
        }).length"""
    )
    assert wrong == 0  # the previous close decides, whatever the last bar did

    row(page, "510300.SH").click()
    page.wait_for_function(f"() => {CHART}.symbol === '510300.SH' && {CHART}.format.decimals === 3")


def test_a_chart_has_its_history_at_once_and_then_goes_on_without_gap_or_double(panel, desk):
    page = desk("TEST.CN", "600519.SH")
    row(page, "TEST.CN").click()
    page.keyboard.press("1")
    page.wait_for_function(f"() => {CHART}.interval === '1.5s' && {CHART}.bars.length > 12", timeout=SOON)
    page.reload()
    page.wait_for_function(f"() => {CHART}.symbol === 'TEST.CN' && {CHART}.bars.length > 12", timeout=SOON)
    page.wait_for_function(
        f"() => (window.had ??= {CHART}.bars.at(-1).time) + 9 <= {CHART}.bars.at(-1).time", timeout=SOON
    )

    times = bars_of(page)
    assert [later - sooner for sooner, later in itertools.pairwise(times)] == [1.5] * (len(times) - 1)

    page.keyboard.press("2")
    page.wait_for_function(f"() => {CHART}.interval === '1m' && {CHART}.bars.length > 1", timeout=SOON)
    page.wait_for_function(
        f"() => (window.minute ??= {CHART}.bars.at(-1).time) < {CHART}.bars.at(-1).time", timeout=2 * SOON
    )
    times = bars_of(page)
    assert [later - sooner for sooner, later in itertools.pairwise(times)] == [60] * (len(times) - 1)
    legend = page.get_by_test_id("legend")
    expect(legend).to_contain_text(re.compile(r"O [\d.]+ H [\d.]+ L [\d.]+ C [\d.]+"))
    expect(legend).to_contain_text("Volume")


def test_keys_do_everything(desk):
    page = desk("TEST.CN", "600519.SH", "00700.HK")
    expect(row(page, "TEST.CN")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(row(page, "600519.SH")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("pane").locator("h2")).to_contain_text("600519.SH")
    page.keyboard.press("7")
    expect(page.locator("[data-interval='1d']")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Alt+ArrowUp")
    expect(rows(page).first).to_have_attribute("data-symbol", "600519.SH")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).not_to_be_visible()
    with page.expect_response(lambda answer: "remove" in (answer.request.post_data or "")):
        page.keyboard.press("Delete")
    expect(row(page, "600519.SH")).to_have_count(0)
    page.reload()
    expect(rows(page)).to_have_count(2, timeout=SOON)
    assert shown(page) == ["TEST.CN", "00700.HK"]


def test_a_press_on_a_head_sorts_and_the_third_one_gives_ones_own_order_back(desk):
    page = desk("TEST.CN", "600519.SH", "510300.SH")
    expect(row(page, "510300.SH").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    expect(row(page, "600519.SH").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    head = page.locator("th[data-column=last]")

    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert shown(page) == ["600519.SH", "TEST.CN", "510300.SH"]
    head.get_by_role("button").click()
    assert shown(page) == ["510300.SH", "TEST.CN", "600519.SH"]
    head.get_by_role("button").click()
    assert shown(page) == ["TEST.CN", "600519.SH", "510300.SH"]


def test_a_list_is_made_named_and_shared_by_a_link_that_shows_nothing_of_its_owner(panel, desk, open_page):
    page = desk("TEST.CN")
    page.locator("#list-menu summary").click()
    page.get_by_role("button", name="New list…").click()
    page.keyboard.insert_text("Banks")
    page.keyboard.press("Enter")
    expect(page.locator("#list-choice option:checked")).to_have_text("Banks")
    find(page, "601398")
    expect(page.locator("#found [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(row(page, "601398.SH")).to_be_visible()
    page.locator("#list-menu summary").click()
    page.get_by_role("button", name="Share by link…").click()
    link = page.get_by_label("Link")
    expect(page.locator("#list-dialog")).to_contain_text("nothing of you. You can take the link back")
    expect(link).not_to_be_visible()  # nothing is made before it is asked for
    assert page.evaluate(
        "fetch('/live/lists/').then((one) => one.json()).then(({ lists }) => lists.every(({ link }) => !link))"
    )
    page.get_by_role("button", name="Make the link").click()
    expect(link).to_have_value(re.compile("/lists/"), timeout=SOON)

    stranger = open_page(locale="zh-CN")
    address = link.input_value()
    stranger.goto(address)
    expect(stranger.get_by_test_id("shared-symbols")).to_contain_text("工商银行 601398.SH")
    expect(stranger.locator("h1")).to_have_text("Banks")
    assert panel.facts["buyer"]["email"] not in stranger.content()
    assert look(stranger, "shared-list-zh-desk") == []

    page.get_by_role("button", name="Stop sharing").click()
    expect(page.locator("#list-dialog")).not_to_be_visible()
    assert stranger.request.get(address).status == 404


def test_a_program_takes_its_symbols_back_and_the_page_says_so(panel, desk):
    page = desk("600519.SH", "00700.HK", "510300.SH", "601398.SH", "000333.SZ", locale="zh-CN")
    expect(row(page, "600519.SH").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    headers = {"Authorization": f"Bearer {panel.facts['token']}"}
    page.wait_for_load_state("networkidle")  # what the page asked for before is answered

    with connect(panel.facts["ws_url"], additional_headers=headers) as program:
        others = ["600036.SH", "601318.SH", "000858.SZ", "09988.HK", "00005.HK"]
        program.send(json.dumps({"action": "subscribe", "symbols": others}))
        while (told := json.loads(program.recv(timeout=30)))["type"] != "subscribed":
            pass
        assert told["rejected"] == []

        expect(page.locator("[data-cause=taken]")).to_contain_text("您的程序正在使用", timeout=SOON)
        expect(page.locator("[data-cause=taken]")).to_contain_text("本页已停止显示")
        assert page.locator("tr[data-dim=taken]").count() > 0
        expect(page.locator("#lamp")).to_have_attribute("data-state", "open")

    taken = page.locator("tr[data-dim=taken]").first
    symbol = taken.get_attribute("data-symbol")
    page.wait_for_timeout(1500)  # until the program's symbols are given back
    taken.click()
    expect(page.locator(f"tr[data-symbol='{symbol}'][data-dim='']")).to_be_visible(timeout=SOON)


def test_two_and_four_charts_stand_side_by_side_and_the_keys_speak_to_the_active_one(desk):
    page = desk("TEST.CN", "600519.SH", "00700.HK", "510300.SH")
    page.get_by_role("button", name="Four charts").click()
    panes = page.get_by_test_id("pane")
    expect(panes).to_have_count(4)
    expect(panes.nth(2).locator("h2")).to_contain_text("00700.HK")
    panes.nth(2).locator("h2").click()
    row(page, "600519.SH").click()
    expect(panes.nth(2).locator("h2")).to_contain_text("600519.SH")
    expect(panes.nth(0).locator("h2")).to_contain_text("TEST.CN")
    page.keyboard.press("5")
    expect(panes.nth(2).locator("[data-interval='30m']")).to_have_attribute("aria-pressed", "true")
    expect(panes.nth(0).locator("[data-interval='1m']")).to_have_attribute("aria-pressed", "true")


def test_a_phone_shows_the_list_and_then_one_symbol_on_the_whole_screen(desk):
    page = desk("TEST.CN", "600519.SH", width=390, locale="zh-CN")
    expect(page.locator(".t-charts")).not_to_be_visible()

    row(page, "600519.SH").click()
    expect(page.locator(".t-canvas").first).to_be_visible()
    expect(page.locator("#quotes")).not_to_be_visible()
    expect(page.locator("#bids tr").first).to_be_visible(timeout=SOON)
    assert look(page, "live-symbol-zh-phone") == []
    page.get_by_role("button", name="返回列表").click()
    row(page, "600519.SH").click()
    page.get_by_role("button", name="移出列表").click()
    expect(row(page, "600519.SH")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_readable_for_everybody(desk, language, width):
    page = desk("TEST.CN", "600519.SH", "00700.HK", width=WIDTHS[width], locale=LANGUAGES[language])
    expect(row(page, "600519.SH").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    wrong = look(page, f"live-{language}-{width}")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.wait_for_timeout(1000)  # colours that are on their way are no colours yet
    wrong += look(page, f"live-dark-{language}-{width}")
    find(page, "茅台")
    expect(page.locator("#found [role=option]").first).to_be_visible()
    wrong += look(page, f"live-search-{language}-{width}")

    assert wrong == []
    if language == "zh":
        page.keyboard.press("Escape")
        said = page.locator("#terminal").evaluate("one => one.innerText")
        known = {"TEST", "CN", "SH", "HK", "MA", "TradingView", "ETF", "My", "list", "Desk", "TTM", "K", "A"}
        assert set(re.findall("[A-Za-z]+", said)) - known == set()


def test_the_page_keeps_to_its_weight(desk):
    page = desk("TEST.CN")
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/static/')).map(({ name }) => name)"
    )
    static = Path(__file__).resolve().parents[2] / "static"
    files = {re.sub(r"\.[0-9a-f]{12}(?=\.)", "", name.split("/static/")[1].split("?")[0]) for name in loaded}

    assert "terminal/terminal.js" in files
    assert sum((static / name).stat().st_size for name in files) < BUDGET


def test_names_and_decimals_are_there_again_when_a_list_comes_back(desk):
    page = desk("00700.HK", "510300.SH")
    expect(row(page, "00700.HK")).to_contain_text("Tencent", timeout=SOON)
    expect(row(page, "510300.SH").locator("[data-cell=last]")).to_have_text(re.compile(r"^\d\.\d{3}$"), timeout=SOON)
    page.evaluate(
        """async () => {
            const { dataset } = document.getElementById("terminal");
            const headers = { "Content-Type": "application/json", "X-CSRFToken": dataset.csrf };
            await fetch(dataset.lists, { method: "POST", headers, body: JSON.stringify({ name: "Other", symbols: ["600519.SH"] }) });
        }"""
    )
    page.reload()
    expect(row(page, "00700.HK")).to_contain_text("Tencent", timeout=SOON)

    page.locator("#list-choice").select_option(label="Other")
    expect(row(page, "600519.SH")).to_contain_text("Moutai", timeout=SOON)
    expect(row(page, "00700.HK")).to_have_count(0)
    page.locator("#list-choice").select_option(label="Desk")

    expect(row(page, "00700.HK")).to_contain_text("Tencent", timeout=SOON)
    expect(row(page, "510300.SH").locator("[data-cell=last]")).to_have_text(re.compile(r"^\d\.\d{3}$"), timeout=SOON)


def test_a_sorted_list_stays_sorted_while_values_move(desk):
    page = desk("00700.HK", "510300.SH", "600519.SH", "000001.SZ")
    for symbol in ("00700.HK", "510300.SH", "600519.SH", "000001.SZ"):
        expect(row(page, symbol).locator("[data-cell=percent]")).not_to_have_text("–", timeout=SOON)
    page.locator("th[data-column=percent] button").click()

    # Whatever stands in another order is put right in a moment: here the rows themselves are turned round.
    page.locator("#quotes tbody").evaluate("body => body.replaceChildren(...[...body.children].reverse())")

    page.wait_for_function(
        """() => {
            const all = [...document.querySelectorAll("#quotes [data-cell=percent]")].map((one) => parseFloat(one.textContent.replace("−", "-")));
            return all.length === 4 && all.every((one, at) => at === 0 || one <= all[at - 1]);
        }"""
    )


def test_what_an_operator_announces_stands_on_an_open_page(panel, desk):
    page = desk()

    panel.shell(
        "from accounts.models import Customer; from content.services import announcing; "
        "from kernel.clock import utc_now\n"
        "announcing.announce(kind='incident', title_en='Late prices', title_zh='行情延迟', text_en='Some seconds.', "
        "text_zh='延迟数秒。', by=Customer.objects.filter(is_superuser=True).first(), now=utc_now())"
    )

    expect(page.locator("#notices")).to_contain_text("Late prices: Some seconds.", timeout=SOON)


def test_who_logs_out_in_another_tab_is_logged_out_here(desk):
    page = desk()
    other = page.context.new_page()
    other.goto(page.url.replace("/live/", "/dashboard/"))

    other.locator("header form[action$='/logout/'] button").click()

    page.wait_for_url("**/accounts/login/**", timeout=SOON)
