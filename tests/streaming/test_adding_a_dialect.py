"""docs/adding-a-dialect.md is true: its files, put into a checkout, are a dialect that a running node speaks."""

import json
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from config.embedded.children import free_port
from tests.streaming.conftest import make_token, serve, wait_for
from tests.streaming.test_conversations import Market, converse

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding-a-dialect.md").read_text()
FILES = dict(re.findall(r"^`([\w/.]+)`\n\n```\w*\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL))
((IMPORT, LINE),) = re.findall(r"^In `streaming/urls.py`.*\n\n```diff\n\+(.*)\n\+ +(.*)\n```$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A checkout with the page's files in it: the data plane copied, the rest as it stands."""
    there = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "streaming", there / "streaming", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", there)
    for name in ("platform", "billing", "nodes", "pyproject.toml"):
        (there / name).symlink_to(ROOT / name)
    for name, text in FILES.items():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_text(text)
    urls = there / "streaming" / "urls.py"
    start = "urlpatterns: list[URLPattern] = [\n"
    text = urls.read_text().replace(start, f"{start}    {LINE}\n", 1)
    urls.write_text(text.replace("\nfrom ", f"\n{IMPORT}\nfrom ", 1))
    return there


@pytest.fixture(scope="module")
def its_node(checkout, tmp_path_factory):
    port = free_port()
    argv = [sys.executable, str(checkout / "manage.py"), "serve", "--port", str(port)]
    yield from serve("tape", argv, port, tmp_path_factory.mktemp("tape"))


def test_the_page_shows_whole_files_in_the_house_style(checkout):
    assert {Path(name).name for name in FILES} == {"__init__.py", "socket.py", "describe.py", "tape.py", "tape.talk"}
    files = [str(checkout / name) for name in FILES if name.endswith(".py")]
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), "--no-cache", *files]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.whole
def test_a_client_of_the_new_dialect_converses(checkout, its_node, store, cn, hk):
    with ExitStack() as open_until:
        heard = converse(checkout / "tests/samples/tape/tape.talk", its_node, Market(store, cn, hk), open_until)

    document = httpx.get(f"{its_node.base}/asyncapi.json").json()
    (channel,) = [one for one in document["channels"].values() if one["address"] == "/tape"]
    messages = {name: document["components"]["messages"][f"tape.{name}"] for name in channel["messages"]}
    assert set(messages) == {"follow", "forget", "following", "error", "trade"}
    for text in heard:
        assert [
            name for name, one in messages.items() if Draft202012Validator(one["payload"]).is_valid(json.loads(text))
        ]


@pytest.mark.whole
def test_its_rest_answers_and_is_described(its_node, store, cn, hk):
    market = Market(store, cn, hk)
    market.move("bar", "00700.HK", "461", "462", "460", "461.4", "300", "138420")
    ask = {"url": f"{its_node.base}/tape/last", "params": {"symbol": "700.HK"}}
    headers = {"X-Tape-Key": make_token()}
    wait_for(lambda: httpx.get(**ask, headers=headers).status_code == 200)

    assert httpx.get(**ask, headers=headers).json()["symbol"] == "700.HK"
    assert httpx.get(**ask).json().keys() == {"error"}
    described = httpx.get(f"{its_node.base}/openapi.json").json()["paths"]["/tape/last"]["get"]
    assert described["security"] == [{"bearer": []}, {"tape_header": []}, {"tape_query": []}]


def test_nothing_else_than_the_page_says_was_touched(checkout):
    done = subprocess.run(
        ["diff", "-rq", "-x", "__pycache__", str(ROOT / "streaming"), str(checkout / "streaming")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    changed = [line for line in done.stdout.splitlines() if line.startswith("Files")]
    assert len(changed) == 1
    assert "urls.py" in changed[0]


def test_the_page_can_be_found():
    for name in ("README.md", "CONTRIBUTING.md", "docs/protocol.md", "streaming/wire/dialect.py"):
        assert "adding-a-dialect.md" in (ROOT / name).read_text(), name
