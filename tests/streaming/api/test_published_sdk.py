"""The PyPI client `itick-sdk`, unmodified, over HTTP and over a socket."""

import pytest

from streaming.records.window import Print, end_ms
from tests.streaming.conftest import make_token
from tests.streaming.test_published_clients import running, until_seen

pytestmark = pytest.mark.whole


def test_the_itick_sdk_from_pypi_runs_unmodified(rest):
    def moves() -> None:
        at_ms = end_ms(rest.hk.seqs["HK"] + 1) - 500
        rest.hk.write(prints=[Print("00700.HK", 9, at_ms, 4_624_000, 200, 924_800_000, "B")])

    changed = {"BASE": rest.base, "SOCKET": rest.base.replace("http", "ws"), "TOKEN": make_token()}
    with running("itick_sdk", **{f'"{before}"': f'"{after}"' for before, after in changed.items()}) as said:
        until_seen(moves, lambda: any('"type":"tick"' in line for line in said))
        answers = dict(line.split(" ", 1) for line in said if not line.startswith("said"))
    assert answers == {
        "tick": "462.4", "quote": "462.4", "depth": "462.4", "ticks": "['700']", "kline": "list", "klines": "dict",
        "list": "True", "holidays": "True", "info": "HKD", "index": "HSI",
    }  # fmt: skip
    assert 'said {"code":1,"resAc":"subscribe","msg":"subscribe Successfully"}' in said
