"""Somebody with a browser and an address of their own, who comes through the proxy over HTTPS."""

import socket
from html.parser import HTMLParser
from typing import Any, Self

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.deployment.stack import DOMAIN, Stack


class Visitor:
    """A client of the shop.

    Args:
        address: of 127.0.0.0/8, where they come from.
    """

    def __init__(self, stack: Stack, address: str) -> None:
        self._stack, self._address, self._port = stack, address, stack.port["caddy"]
        self.base = f"https://{DOMAIN}:{self._port}"
        transport = httpx.HTTPTransport(local_address=address, verify=stack.tls)
        self.client = httpx.Client(transport=transport, timeout=60, headers={"Accept": "text/html"}, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request to the shop's name, wherever that name would lead."""
        path = path.removeprefix(self.base)
        headers = {"Host": f"{DOMAIN}:{self._port}", "Referer": f"{self.base}{path}", **more.pop("headers", {})}
        url = f"https://127.0.0.1:{self._port}{path}"
        return self.client.request(method, url, headers=headers, extensions={"sni_hostname": DOMAIN}, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def submit(self, path: str, action: str | None = None, **fields: str | list[str]) -> httpx.Response:
        """Open a page, fill in the form that has these fields, and send it."""
        page = self.get(path)
        assert page.status_code == 200, (page.status_code, page.text[:500])
        return self.send(page.text, action or path, **fields)

    def send(self, page: str, action: str, **fields: str | list[str]) -> httpx.Response:
        """Fill in the form of an open page that has these fields, and send it."""
        forms = _Forms(page).forms
        form = next((one for one in forms if set(fields) <= set(one)), None)
        assert form is not None, f"no form with {set(fields)} for {action}: {[set(one) for one in forms]}"
        return self.ask("POST", action, data={**form, **fields})

    def choice(self, path: str, name: str, text: str) -> str:
        """Return the value of what a page offers under a name with this text."""
        return _Forms(self.get(path).text).options[name, text]

    def upgrade(self, token: str) -> str:
        """Ask for an upgrade to the stream and leave; return the status of the answer."""
        asked = (
            f"GET /ws/stock HTTP/1.1\r\nHost: {DOMAIN}:{self._port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        address = ("127.0.0.1", self._port)
        with (
            socket.create_connection(address, timeout=60, source_address=(self._address, 0)) as plain,
            self._stack.tls.wrap_socket(plain, server_hostname=DOMAIN) as secured,
        ):
            secured.sendall(asked.encode())
            return secured.recv(64).split(b" ", 2)[1].decode()

    def socket(self, token: str) -> ClientConnection:
        """Connect to the stream."""
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=60, source_address=(self._address, 0))
        return connect(
            f"wss://{DOMAIN}:{self._port}/ws/stock", sock=sock, ssl=self._stack.tls, open_timeout=60,
            additional_headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip


class _Forms(HTMLParser):
    """Every form of a page: what each would send if nobody filled anything in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.options: dict[tuple[str, str], str] = {}
        self._select = self._area = ""
        self._option: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        if not self.forms:
            return
        form, name = self.forms[-1], said.get("name", "")
        if tag == "input" and name and said.get("type") not in ("submit", "button"):
            if said.get("type") not in ("checkbox", "radio"):
                form[name] = said.get("value", "")
            elif "checked" in said:
                form[name] = [*form.get(name, []), said.get("value", "on")]
            else:
                form.setdefault(name, [])
        elif tag == "select":
            self._select = name
            form.setdefault(name, [])
        elif tag == "option" and self._select:
            self._option = said.get("value", "")
            if "selected" in said:
                form[self._select] = self._option
        elif tag == "textarea":
            self._area = name
            form[name] = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][self._area] += data
        if self._option is not None:
            self.options[self._select, data.strip()] = self._option
            self._option = None

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
