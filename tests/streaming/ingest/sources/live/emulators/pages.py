"""Sina's and Tencent's pages: rows by code, in GB18030, over HTTP."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pages:
    """What a page would answer. A test changes it while the server runs.

    Args:
        rows: by code, what stands between the quotes.
        status, retry_after, body: answered in place of rows where they are set.
        half: an answer ends in the middle of its last row.
        cut: the connection ends in the middle of an answer.
        silent: requests are taken and not answered.
    """

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.status, self.retry_after, self.body = 200, "", ""
        self.half = self.cut = self.silent = False
        self.asked: list[tuple[float, list[str]]] = []  # (monotonic seconds, codes)
        self.headers: list[dict[str, str]] = []

    def codes_of(self, path: str) -> list[str]:
        raise NotImplementedError

    def text_of(self, codes: list[str]) -> str:
        raise NotImplementedError

    def asked_at(self) -> list[float]:
        return [at for at, _ in self.asked]


class SinaPages(Pages):
    """An unknown code has an empty row; who sends no Referer is refused."""

    def codes_of(self, path: str) -> list[str]:
        assert path.startswith("/list="), path
        return path.removeprefix("/list=").split(",")

    def text_of(self, codes: list[str]) -> str:
        return "".join(f'var hq_str_{code}="{self.rows.get(code, "")}";\n' for code in codes)


class TencentPages(Pages):
    """An unknown code has no row; where all are unknown, that is the answer."""

    def codes_of(self, path: str) -> list[str]:
        assert path.startswith("/q="), path
        return path.removeprefix("/q=").split(",")

    def text_of(self, codes: list[str]) -> str:
        known = [code for code in codes if code in self.rows]
        return "".join(f'v_{code}="{self.rows[code]}";\n' for code in known) or 'v_pv_none_match="1";\n'


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    """Serve pages; yield where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            codes = pages.codes_of(self.path)
            pages.asked.append((time.monotonic(), codes))
            pages.headers.append({name.lower(): value for name, value in self.headers.items()})
            while pages.silent:
                time.sleep(0.02)
            refused = isinstance(pages, SinaPages) and "finance.sina.com.cn" not in self.headers.get("Referer", "")
            text = "Forbidden" if refused else pages.body or pages.text_of(codes)
            body = text.encode("gb18030")
            body = body[: len(body) - len(body) // 4] if pages.half else body
            self.send_response(403 if refused else pages.status)
            if pages.retry_after:
                self.send_header("Retry-After", pages.retry_after)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if pages.cut else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        pages.silent = False
        server.shutdown()
        server.server_close()
        thread.join()
