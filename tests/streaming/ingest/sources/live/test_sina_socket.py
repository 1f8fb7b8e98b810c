"""Sina's WebSocket and an HTTP proxy: the same rows by other ways."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.streaming.ingest.sources.live.emulators.pages import SinaPages, serving
from tests.streaming.ingest.sources.live.emulators.rows import Moment, sina_row
from tests.streaming.ingest.sources.live.playing import Day, Playing

SYMBOLS = ("600519.SH", "000001.SZ", "688981.SH")


class Told:
    """What a test has Sina's socket say, and what it was asked."""

    def __init__(self) -> None:
        self.lists: list[str] = []
        self.signs = 0
        self.connections: set[ServerConnection] = set()

    def say(self, text: str | bytes) -> None:
        for one in list(self.connections):
            with suppress(ConnectionClosed):
                one.send(text)


@contextmanager
def listening(told: Told) -> Iterator[str]:
    def admit(connection: ServerConnection, request):
        if request.headers.get("Origin") != "https://finance.sina.com.cn":
            return connection.respond(HTTPStatus.FORBIDDEN, "no\n")
        return None

    def hold(connection: ServerConnection) -> None:
        told.lists.append(connection.request.path)
        told.connections.add(connection)
        connection.send("sys_nxkey=abcdef\n")
        with suppress(ConnectionClosed):
            for _ in connection:
                told.signs += 1
        told.connections.discard(connection)

    with serve(hold, "127.0.0.1", 0, process_request=admit, close_timeout=0.2) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/wskt"
        server.shutdown()


def row(code: str, day: Day, volume: int) -> str:
    return f"{code}={sina_row(Moment(volume, clock=day.clock()))}\n"


def test_rows_that_are_told_make_the_same_bars_as_rows_that_are_asked_for():
    day, told = Day(), Told()
    with listening(told) as url:
        source = day.source("sina", url, by="websocket", symbols=SYMBOLS, batch=2)
        with Playing(day, {"sina": source}) as playing:
            playing.until(lambda: len(told.connections) == 2)
            told.say(row("sh600519", day, 100_000))
            told.say(row("sz000001", day, 100_000).encode("gb18030"))
            playing.until(lambda: len(playing.references()) == 2)
            told.say(row("sh600519", day, 100_300) + row("sz000001", day, 100_200))
            playing.until(lambda: len(playing.volumes()) == 2 and told.signs >= 2)

            assert source.condition.problem == ""
    assert playing.volumes() == {"600519.SH": 300, "000001.SZ": 200}
    assert sorted(told.lists) == ["/wskt?list=sh600519,sz000001", "/wskt?list=sh688981"]


def test_one_connection_that_ends_makes_all_of_them_anew():
    day, told = Day(), Told()
    with listening(told) as url:
        source = day.source("sina", url, by="websocket", symbols=SYMBOLS, batch=2)
        with Playing(day, {"sina": source}) as playing:
            playing.until(lambda: len(told.connections) == 2)
            told.say(row("sh600519", day, 100_000))
            playing.until(lambda: playing.references())
            next(iter(told.connections)).close()
            playing.until(lambda: len(told.lists) == 4 and len(told.connections) == 2)
            told.say(row("sh600519", day, 100_900))
            playing.until(lambda: playing.volumes() == {"600519.SH": 900})


def test_a_proxy_that_is_set_is_the_way(monkeypatch):
    class Proxy(SinaPages):
        def codes_of(self, path: str) -> list[str]:
            assert path.startswith("http://hq.example/list="), path
            return super().codes_of(path.removeprefix("http://hq.example"))

    day, proxy = Day(), Proxy()
    proxy.rows["sh600519"] = sina_row(Moment(100_000, clock=day.clock()))
    with serving(proxy) as url:
        source = day.source("sina", "http://hq.example", proxy=url, symbols=SYMBOLS[:1])
        with Playing(day, {"sina": source}) as playing:
            playing.until(lambda: playing.references())
        monkeypatch.setenv("HTTP_PROXY", url)
        source = day.source("sina", "http://hq.example", symbols=SYMBOLS[:1])
        with Playing(day, {"sina": source}) as playing:
            playing.until(lambda: playing.references())
