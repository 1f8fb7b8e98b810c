"""What the live page is drawn from: a node and a token, or why there is none; and its scripts' texts."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Customer
from nodes.selectors import guest_node
from panel.standing import State, of_page, standings
from panel.viewer import token_for

_SEEN = (State.ACTIVE, State.ENDING, State.REVOKED)


def shown(customer: Customer, now: datetime) -> dict[str, Any]:
    """Return the page's context: the node that the customer bought on last and that serves, or how the customer stands.

    With a `standing` there is nothing of the customer's own to be seen; TEST.CN moves there all the same, with a
    guest's token. A customer's page has a token of its own, so that what is looked at costs no connection and no symbol
    that a program wants, and stopping programs' tokens leaves it alone.
    """
    found: dict[str, Any] = {"words": words()}
    stands = standings(customer, now)
    for one in stands:
        node = next((node for node in one.held.nodes if node.realtime), None) if one.held is not None else None
        if one.held is not None and node is not None and one.state in _SEEN:
            token, _expires_at_s = token_for(customer, one.held.group, now)
            next_one = f"{reverse('viewer-token')}?group={one.held.group.slug}"
            return found | {"node": node, "group": one.held.group, "token": token, "token_url": next_one}
    found["standing"] = of_page(customer, stands, now)
    serving = guest_node(now)
    if serving is not None:
        token_url = f"{reverse('viewer-guest')}?group={serving.group.slug}"
        found |= {"node": serving, "guest": True, "token_url": token_url}
    return found


def words() -> dict[str, str]:
    """Return the texts of the page's scripts in the reader's language; {n} and its like are filled in there."""
    return {**_states(), **_notices(), **_rows(), **_charts(), **_search(), **_lists()}


def _states() -> dict[str, str]:
    return {
        "socket_connecting": _("connecting"),
        "socket_open": _("connected"),
        "socket_waiting": _("connecting again in {n} s"),
        "socket_ended": _("disconnected"),
        "market_CN": _("A-shares"),
        "market_HK": pgettext("market", "Hong Kong"),
        "market_TEST": _("Test"),
        "state_open": pgettext("market", "open"),
        "state_closed": pgettext("market", "closed"),
        "state_lunch_break": _("lunch break"),
        "state_pre_open": _("before the open"),
        "state_opening_auction": _("opening auction"),
        "state_closing_auction": _("closing auction"),
        "state_after_hours": _("after hours"),
        "state_no_feed": _("no feed"),
        "state_unknown": _("unknown"),
        "presumed": _("presumed"),
        "instrument_suspended": _("suspended"),
        "instrument_halted": _("halted"),
        "instrument_delisted": _("delisted"),
        "kind_stock": _("share"),
        "kind_etf": _("ETF"),
        "kind_lof": _("LOF"),
        "kind_reit": _("REIT"),
        "kind_index": _("index"),
    }


def _notices() -> dict[str, str]:
    return {
        "socket_lost": _("The connection is lost. It is tried again in {n} s; what was missed is fetched."),
        "socket_draining": _("The node is being serviced; this page moves to another one in {n} s."),
        "ended_expired": _("Your pack has ended, and so has this page's stream."),
        "ended_revoked": _("The token was revoked. Make a new one, then open this page again."),
        "ended_deactivated": _("Your account is deactivated. Write to us if that is a mistake."),
        "ended_signed_out": _("You are not logged in any more. Log in, and this page goes on."),
        "ended_origin": _("The node does not admit this page's address. Tell whoever runs it."),
        "ended_viewers": _("So many live pages of yours are open that this one gets no stream. Close one of them."),
        "ended_replaced": _("A newer connection has taken this one's place."),
        "ended_refused": _("The node does not let this page in."),
        "button_renew": _("Renew"),
        "button_dashboard": _("Dashboard"),
        "button_packs": _("See the packs"),
        "button_reload": _("Open again"),
        "market_no_feed": _("No prices of {market} come in at present; what is shown is the last that was told."),
        "market_presumed": _("Nobody has published whether {market} trades today: its usual hours are presumed."),
        "market_replay": _("A recorded day is being played: times are those of that day."),
        "gap": _("Some bars of {market} were missed and cannot be had; charts were fetched anew."),
        "taken": _("Your own program is using {symbols}; this page has stopped showing them."),
        "watch_again": _("Watch again"),
        "plan_now": _("Your pack now allows {n} symbols at once."),
        "plan_smaller": _("Your pack allows {n} symbols now; {symbols} are not followed any more."),
        "expiring": _("Your pack ends in {span}, at {at}."),
        "span_days": _("{n} days"),
        "span_hours": _("{n} hours"),
        "span_minutes": _("{n} minutes"),
        "span_seconds": _("{n} seconds"),
        "announcement": "{text}",
        "slow": _("This page or the line to it was too slow: {n} values were left out."),
        "store_away": _("The node's store is away for a moment; it is asked again."),
        "rejected_unknown_symbol": _("{symbols}: no feed of this node carries it."),
        "rejected_market_not_allowed": _("{symbols}: your pack does not include this market."),
        "rejected_symbol_not_allowed": _("{symbols}: your pack leaves it out."),
        "rejected_level_not_allowed": _("{symbols}: your pack does not include its prices."),
        "rejected_type_not_allowed": _("{symbols}: your pack does not include bars."),
        "rejected_interval_not_allowed": _("{symbols}: your pack does not include this interval."),
        "rejected_guest": _("Without a pack TEST.CN alone moves here. {symbols} begin to move once you have one."),
        "dismiss": _("Dismiss"),
        "undo": _("Undo"),
        "removed": _("{symbol} is off the list."),
        "exchanged": _("{name} is followed instead of {other}."),
    }


def _rows() -> dict[str, str]:
    return {
        "row_taken": _("used by your program; press to watch again"),
        "row_idle": _("not followed"),
        "row_out": pgettext("no room", "not in your pack"),
        "row_instead": _("Follow instead of {name}"),
        "row_instead_of": _("Follow {name} instead of {other}"),
        "list_out": _(
            "Your pack has room for {most} symbols; {n} of this list are left out. "
            "Follow one instead of another, or renew with a larger pack."
        ),
        "reason_quota_exceeded": _("not followed: no room in your pack"),
        "reason_unknown_symbol": _("not carried"),
        "reason_market_not_allowed": _("market not in your pack"),
        "reason_symbol_not_allowed": _("not in your pack"),
        "reason_level_not_allowed": _("not in your pack"),
        "limit_up": _("limit up"),
        "limit_down": _("limit down"),
        "open": pgettext("price", "Open"),
        "high": _("High"),
        "low": _("Low"),
        "prev_close": _("Prev. close"),
        "volume": _("Volume"),
        "turnover": _("Turnover"),
        "turnover_rate": _("Turnover rate"),
        "volume_ratio": _("Volume ratio"),
        "market_cap": _("Market value"),
        "pe_ttm": _("P/E (TTM)"),
        "pb": _("P/B"),
        "lot": _("Lot"),
        "ask": _("Ask"),
        "bid": _("Bid"),
        "no_book": _("Your pack has no order book of this product."),
    }


def _charts() -> dict[str, str]:
    return {
        "chart_loading": _("Fetching bars…"),
        "chart_empty": _("No bars yet. They appear as soon as something is traded."),
        "chart_failed": _("History does not answer at present; the chart begins now."),
        "chart_of": _("Chart of {name}, {interval}"),
        "chart_none": _("No symbol is chosen"),
        "chart_choose": _("This chart is free: press a row of the list, or find a symbol."),
        "chart_act_choose": _("Find a symbol"),
        "chart_no_minutes": _(
            "No {interval} bars are recorded yet: the node began a moment ago, or nothing was traded."
        ),
        "chart_act_finer": _("Show 1.5 s bars"),
        "row_taken_chart": _("Your own program is using it."),
        "legend_vwap": _("VWAP"),
        "legend_since": _("since {at}"),
        "legend_open": _("O"),
        "legend_high": _("H"),
        "legend_low": _("L"),
        "legend_close": _("C"),
        "interval_1_5s": _("1.5 s"),
        "interval_1m": _("1m"),
        "interval_5m": _("5m"),
        "interval_15m": _("15m"),
        "interval_30m": _("30m"),
        "interval_1h": _("1h"),
        "interval_1d": _("1D"),
        "interval_1w": _("1W"),
        "interval_1M": _("1M"),
    }


def _search() -> dict[str, str]:
    return {
        "search_hint": _("Write a name, its pinyin or initials, or a code; paste a list with commas or lines."),
        "search_failed": _("The node does not answer; try again in a moment."),
        "search_nothing": _("Nothing is called “{q}”. Try its name, its pinyin or its code."),
        "search_ambiguous": _("“{q}” is the code of several products: choose one with the arrow keys."),
        "search_add_all": _("Add {n} symbols"),
        "search_open": _("Which one is meant: {n}?"),
        "search_unknown": _("Not found: {n}."),
        "search_listed": _("on this list"),
    }


def _lists() -> dict[str, str]:
    return {
        "list_first": _("My list"),
        "list_make": _("New list"),
        "list_rename": _("Rename the list"),
        "list_share": _("Share the list"),
        "list_drop": _("Remove the list"),
        "list_share_ask": _(
            "Sharing makes a link. Whoever has it sees the name and the {n} symbols of “{name}”, also as you change "
            "them later, and nothing of you. You can take the link back at any time."
        ),
        "list_share_make": _("Make the link"),
        "list_share_text": _(
            "Whoever has this link sees the name and the {n} symbols of “{name}”, and nothing of you."
        ),
        "list_drop_text": _("“{name}” and its {n} symbols are removed on all your devices. Its link ends."),
        "list_remove": _("Remove"),
        "save": _("Save"),
        "done": _("Done"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "error_too_many_watch_lists": _("There are {most} lists, as many as there may be. Remove one first."),
        "error_watch_list_full": _("A list has {most} symbols at most. Begin another one."),
        "error_bad_watch_list": _("A list has a name of 1 to 40 characters."),
        "error_logged_out": _("You are not logged in any more. Log in, and this page goes on."),
        "error_panel_unreachable": _("The panel cannot be reached; your lists were not changed."),
        "error_panel_failed": _("Your lists could not be changed. Try again in a moment."),
    }
