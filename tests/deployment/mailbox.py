"""A mail server that keeps what it gets: STARTTLS and a login first, as providers ask for."""

import email
import email.policy
import re
import socketserver
import ssl
import threading
import time
from email.message import EmailMessage
from itertools import takewhile
from pathlib import Path
from typing import Any, Self


class Mailbox:
    """Listens on 127.0.0.1:`port` while it is open."""

    def __init__(self, certificates: Path) -> None:
        self.mails: list[EmailMessage] = []
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        mails = self.mails

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _speak(self, tls, mails)

            def finish(self) -> None:
                super().finish()
                self.request.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def link_for(self, address: str, seconds: float = 90) -> str:
        """Return the first link of the newest mail to somebody, once it has come."""
        deadline = time.monotonic() + seconds
        while not (found := [one for one in self.mails if one["To"] == address]):
            assert time.monotonic() < deadline, f"no mail to {address} came"
            time.sleep(0.05)
        text = found[-1].get_body(preferencelist=("plain",))
        assert text is not None  # each mail has both forms
        # The first link of a confirmation is the one that confirms.
        (link, *_) = re.findall(r"https?://\S+", text.get_content())
        return link


def _speak(session: Any, tls: ssl.SSLContext, mails: list[EmailMessage]) -> None:
    said, lines = "", iter(session.rfile.readline, b"")
    secure = known = False
    session.wfile.write(b"220 mail ready\r\n")
    while line := next(lines, b""):
        verb = line.split()[0].upper() if line.strip() else b""
        if verb == b"EHLO":
            said = "250-mail\r\n250 AUTH PLAIN" if secure else "250-mail\r\n250 STARTTLS"
        elif verb == b"STARTTLS":
            session.wfile.write(b"220 go on\r\n")
            wrapped = tls.wrap_socket(session.request, server_side=True)
            session.request = wrapped  # which the server closes
            session.rfile, session.wfile = wrapped.makefile("rb"), wrapped.makefile("wb", buffering=0)
            lines, secure = iter(session.rfile.readline, b""), True
            continue
        elif verb == b"AUTH":
            known, said = secure, "235 known"
        elif verb in (b"MAIL", b"RCPT"):
            said = "250 well" if known else "530 log in first"
        elif verb == b"DATA":
            session.wfile.write(b"354 go on\r\n")
            body = b"".join(takewhile(lambda piece: piece != b".\r\n", lines))
            mails.append(email.message_from_bytes(body, EmailMessage, policy=email.policy.default))
            said = "250 taken"
        else:
            said = "221 bye" if verb == b"QUIT" else "250 well"
        session.wfile.write(f"{said}\r\n".encode())
        if verb == b"QUIT":
            return
