"""docs/shop-api.md: its examples run over HTTP from top to bottom, and its codes are the ones there are."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.urls import get_resolver

import accounts.errors
import billing.errors
import nodes.errors
from billing.api.shop.base import RAISED
from kernel import problems
from kernel.clock import utc_now
from kernel.errors import PlatformError
from kernel.problems import HTTP
from tests.billing.api.programs import Program
from tests.factories import a_grant, a_purchase

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "shop-api.md").read_text()
# What no program can be answered: staff's work, notices of gateways, and what services ask of each other.
OF_OTHERS = {
    "billing": {
        "GrantIsExtended", "AmountMismatch", "NoEntitlement", "RefundRefused", "SecondPersonNeeded",
        "LedgerRefused", "NothingToGive", "NotThatMoney", "AlreadyDecided", "BadNotice", "BadBill", "BalanceTooSmall",
        "InviteRefused", "AlreadyOnFapiao", "BadFapiao",
    },
    "nodes": {"LastNodeOfGroup", "CalendarChanged", "NoticeLeavesGap", "ListChanged", "UnknownTransport"},
    "accounts": {"TooManyApiKeys", "BadApiKeyRequest", "SmsRefused", "SmsUnavailable", "SmsCapReached", "AccountStays",
        "SecondFactorSealed",
        "BadWatchList", "TooManyWatchLists", "WatchListFull"},
}  # fmt: skip


def table():
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", PAGE, re.MULTILINE)
    return {code: int(status) for code, status in rows}


def test_the_table_of_codes_is_what_can_be_answered():
    ours = {code: error.http_status for code, error in RAISED.items()}

    assert table() == {**{code: status for code, (status, _) in HTTP.items()}, **ours}


@pytest.mark.parametrize(
    "module", [billing.errors, nodes.errors, accounts.errors], ids=["billing", "nodes", "accounts"]
)
def test_every_error_is_documented_or_known_to_be_of_others(module):
    errors = {
        name: one
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, PlatformError) and one.__module__ == module.__name__
    }
    of_others = OF_OTHERS[module.__name__.partition(".")[0]]

    assert {name for name, one in errors.items() if one.code not in table()} == of_others


def test_every_address_stands_in_the_table():
    routes = [str(one.pattern) for part in get_resolver().url_patterns if hasattr(part, "url_patterns")
              for one in part.url_patterns if str(one.pattern).startswith("api/v1/shop/")]  # fmt: skip
    named = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", one.removeprefix("api/v1/shop/")) for one in routes}
    told = {address for _, address in re.findall(r"`(GET|POST|PUT) ([\w/{}.-]+)`", PAGE)} - {"/api/v1/delivery/"}

    assert told - {"/openapi.json"} == named - {"", "{rest}"}
    assert problems.ADDRESSES in PAGE


@pytest.mark.whole
@pytest.mark.django_db(transaction=True)
def test_its_examples_run(live_server, shop, alice, tmp_path, settings):
    for tool in ("curl", "jq", "bash"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here; mend it with: sudo apt-get install -y {tool}")
    settings.PANEL_URL = live_server.url
    a_grant(alice, shop, at=utc_now())
    a_purchase(alice, shop, at=utc_now())
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    assert script.count("api ") >= 12

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "SHOP": live_server.url, "KEY": Program(alice).text},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
