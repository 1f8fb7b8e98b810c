"""Several charts of the live page, what stands in them where there is nothing, and rows that the pack has no room for."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.test_panel_pages import look
from tests.journeys.test_terminal import CHART, SOON, desk, panel, row, shown  # noqa: F401  fixtures

pytestmark = pytest.mark.whole
LIST = ("TEST.CN", "600519.SH", "00700.HK", "510300.SH", "601398.SH", "000333.SZ", "600036.SH")  # one too many
ONE_LINE = """(name) => [...document.querySelectorAll(`.t-pane ${name}`)].map((one) => {
    const tops = [...one.children].map((part) => part.getBoundingClientRect()).filter(({ width }) => width > 0);
    return Math.max(...tops.map(({ top }) => top)) < Math.min(...tops.map(({ bottom }) => bottom));
})"""


def charted(page) -> list[str | None]:
    return page.get_by_test_id("pane").evaluate_all("all => all.map(({ chart }) => chart.symbol)")


@pytest.mark.parametrize(("locale", "average"), [("en-US", "VWAP"), ("zh-CN", "均价")])
def test_every_line_of_a_chart_has_its_name_its_colour_and_its_value(desk, locale, average):  # noqa: F811
    page = desk("TEST.CN", locale=locale)
    page.keyboard.press("1")
    page.wait_for_function(f"() => {CHART}.interval === '1.5s' && {CHART}.bars.length > 20", timeout=SOON)

    legend = page.get_by_test_id("legend")
    expect(legend.locator(".vwap")).to_have_text(re.compile(rf"^{average} \d+\.\d\d$"))
    expect(legend.locator(".l-since")).to_contain_text(":")  # the chart does not reach back to the day's opening
    for nth, length in enumerate((5, 10, 20)):
        expect(legend.locator(f".mean{nth}")).to_have_text(re.compile(rf"^MA{length} \d+\.\d\d$"))
    colours = legend.locator(".mean0, .mean1, .mean2, .vwap").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).color)"
    )
    assert len(set(colours)) == 4


def test_more_charts_take_the_next_symbols_of_the_list_and_keep_to_one_line_of_head(desk):  # noqa: F811
    page = desk(*LIST[:5])
    page.get_by_role("button", name="Two charts").click()
    assert charted(page) == ["TEST.CN", "600519.SH"]
    page.get_by_role("button", name="Four charts").click()

    assert charted(page) == ["TEST.CN", "600519.SH", "00700.HK", "510300.SH"]
    expect(page.locator(".t-canvas[data-state=drawn]")).to_have_count(4, timeout=SOON)
    assert page.evaluate(ONE_LINE, "header") == [True] * 4
    assert page.evaluate(ONE_LINE, ".t-legend") == [True] * 4
    expect(page.locator(".t-intervals:visible")).to_have_count(0)
    assert look(page, "live-four-en-desk") == []

    page.locator(".t-pick select").nth(1).select_option("1.5s")
    page.wait_for_function(f"() => {CHART}.symbol === '600519.SH' && {CHART}.interval === '1.5s'")
    page.reload()
    expect(page.locator(".t-canvas[data-state=drawn]")).to_have_count(4, timeout=SOON)
    assert charted(page) == ["TEST.CN", "600519.SH", "00700.HK", "510300.SH"]


def test_a_chart_without_a_symbol_invites_to_choose_one(desk):  # noqa: F811
    page = desk("TEST.CN", "600519.SH")
    page.get_by_role("button", name="Four charts").click()
    panes = page.get_by_test_id("pane")
    assert charted(page) == ["TEST.CN", "600519.SH", None, None]
    expect(panes.nth(2)).to_contain_text("This chart is free")
    assert look(page, "live-free-en-desk") == []

    panes.nth(3).get_by_role("button", name="Find a symbol").click()
    page.keyboard.insert_text("00700")
    expect(page.locator("#found [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")

    expect(row(page, "00700.HK")).to_be_visible(timeout=SOON)
    assert charted(page) == ["TEST.CN", "600519.SH", None, "00700.HK"]
    panes.nth(2).click(position={"x": 5, "y": 5})
    row(page, "TEST.CN").click()
    assert charted(page) == ["TEST.CN", "600519.SH", "TEST.CN", "00700.HK"]


def test_a_chart_of_minutes_without_bars_says_why_and_shows_shorter_ones_at_a_press(desk):  # noqa: F811
    page = desk("TEST.CN")
    page.wait_for_function(f"() => {CHART}.bars.length > 0", timeout=SOON)

    # As it is before the first minute of a run is told: nothing comes of history, and nothing of the stream.
    page.evaluate(f"() => {{ const chart = {CHART}; chart.show({{ chart: (symbol, interval, how, take) => (take({{ bars: [], live: false }}), {{ close() {{}} }}) }}, 'TEST.CN', '1m', [[0, 0.01]], 10); }}")  # fmt: skip
    pane = page.get_by_test_id("pane")
    expect(pane).to_contain_text("No 1m bars are recorded yet")
    pane.get_by_role("button", name="Show 1.5 s bars").click()

    page.wait_for_function(f"() => {CHART}.interval === '1.5s' && {CHART}.bars.length > 0", timeout=SOON)
    expect(pane.get_by_role("button", name="Show 1.5 s bars")).not_to_be_visible()


def test_a_row_that_the_pack_has_no_room_for_takes_anothers_place_at_one_press(desk):  # noqa: F811
    page = desk(*LIST)
    out = row(page, "600036.SH")
    expect(out).to_contain_text("not in your pack", timeout=SOON)
    expect(page.locator("#list-out")).to_contain_text("room for 5 symbols; 1 of this list")
    expect(page.locator("#list-out a")).to_have_attribute("href", "/subscribe/")
    assert look(page, "live-no-room-en-desk") == []

    row(page, "TEST.CN").focus()
    for _ in LIST[1:]:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(out.get_by_role("button", name="Follow instead of Midea Group")).to_be_focused()
    page.keyboard.press("Enter")

    expect(out.locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    expect(row(page, "000333.SZ")).to_contain_text("not in your pack")
    expect(page.locator("[data-cause=exchanged]")).to_contain_text("instead of Midea Group")
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(row(page, "000333.SZ")).to_contain_text("not in your pack", timeout=SOON)
    assert shown(page)[-2:] == ["600036.SH", "000333.SZ"]


# The account's answers take two seconds to reach the page.
SLOW = "() => { const asked = fetch; window.fetch = async (...given) => { const answer = await asked(...given); await new Promise((done) => setTimeout(done, 2000)); return answer; }; }"


def test_a_page_that_goes_away_has_told_what_was_still_to_be_told(desk):  # noqa: F811
    page = desk("TEST.CN", "600519.SH", "00700.HK")
    page.evaluate(SLOW)

    row(page, "600519.SH").click()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Delete")  # behind the answer to the move
    expect(row(page, "600519.SH")).to_have_count(0)
    page.reload()

    expect(row(page, "00700.HK")).to_be_visible(timeout=SOON)
    assert shown(page) == ["TEST.CN", "00700.HK"]


# Of the text on what is behind it, as WCAG counts it; backgrounds here are opaque or none.
CONTRAST = """(button) => {
    const shade = (colour) => {
        const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let behind = button;
    while (/, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const pair = [shade(getComputedStyle(button).color), shade(getComputedStyle(behind).backgroundColor)].sort((one, other) => other - one);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_interval_can_be_read_while_it_is_pointed_at_and_once_it_is_chosen(desk, scheme):  # noqa: F811
    page = desk("TEST.CN")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # so that colours do not move there

    for interval in ("15m", "1d"):
        button = page.locator(f".t-line [data-interval='{interval}']")
        button.hover()
        assert button.evaluate(CONTRAST) >= 4.5, "pointed at"
        button.click()
        assert button.evaluate(CONTRAST) >= 4.5, "chosen, and still pointed at"
        page.mouse.move(5, 5)
        assert button.evaluate(CONTRAST) >= 4.5, "chosen, and it has the focus"
