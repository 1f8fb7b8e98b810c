"""What tests of nodes start from."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.people import node, quick_passwords

__all__ = ["health_server", "node", "quick_passwords"]


@pytest.fixture
def root(client, node):
    """An operator's browser, where one market has a feed and one a day of its own."""
    from nodes.models import CalendarOverride, FeedSetting
    from tests.factories import a_customer

    FeedSetting.objects.create(lane="CN", feed="replay")
    CalendarOverride.objects.create(lane="CN", day_on="2027-02-05", kind="half")
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def few(settings):
    """The list that came with the program has four products."""
    settings.COMMITTED_INSTRUMENTS = "tests.nodes.few.few_rows"


@pytest.fixture
def health_server():
    """A node's health page: set `.answer` to (status, JSON or text); `.url` is where it is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = server.answer
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answer = (200, {})
    server.url = f"http://127.0.0.1:{server.server_address[1]}/healthz"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)
