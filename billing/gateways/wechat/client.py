"""Asks WeChat: signs each request, and believes only what is signed."""

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from billing.errors import GatewayRefused, GatewayUnavailable
from billing.gateways import rsa, strict_json
from billing.gateways.http import ask
from billing.gateways.wechat import certificates
from billing.gateways.wechat.reading import PROVIDER
from billing.gateways.wechat.signing import NotSigned, authorization, verify

log = logging.getLogger(__name__)

_MOST_BILL = 64 * 1024 * 1024
_UNKNOWN = {"SYSTEM_ERROR", "BANK_ERROR", "FREQUENCY_LIMITED", "STATEMENT_CREATING"}


@dataclass(frozen=True, slots=True)
class WechatClient:
    """One merchant's way to WeChat.

    Attributes:
        serial: of the merchant's own certificate, in capitals.
        api_key: 32 characters that WeChat encrypts notices and certificates with.
        keys: WeChat's keys that settings name, the one to use first; platform certificates come to them.
    """

    url: str
    mch_id: str
    serial: str
    key: RSAPrivateKey = field(repr=False)
    api_key: str = field(repr=False)
    keys: Mapping[str, rsa.PublicKey]

    def known_keys(self, now: datetime) -> dict[str, rsa.PublicKey]:
        """Return WeChat's keys by serial number, without asking it."""
        try:
            fetched = certificates.kept(self.mch_id, self.api_key, now)
        except ValueError as error:
            log.error("the platform certificates that are kept cannot be used: %s", error)
            fetched = {}
        return {**fetched, **self.keys}

    def call(self, method: str, path: str, now: datetime, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask, and return what WeChat has signed; nothing where it answers without content.

        Raises:
            GatewayRefused: it said no; its code is in `provider_code`.
            GatewayUnavailable: it did not answer, or so that it could not be believed: ask again with the same number.
        """
        answer = self._send(method, path, now, body)
        try:
            verify(headers=answer.headers, body=answer.content, keys=self.known_keys(now), now=now)
            return strict_json.read_object(answer.content) if answer.content else {}
        except NotSigned as error:
            log.warning("an answer of WeChat to %s is not believed: %s", path.partition("?")[0], error)
            raise GatewayUnavailable("an answer of WeChat is not believed", provider=PROVIDER) from None
        except ValueError:
            raise GatewayUnavailable("an answer of WeChat cannot be read", provider=PROVIDER) from None

    def download(self, url: str, now: datetime) -> bytes:
        """Fetch a file: the request is signed, the answer is not, its hash was told before."""
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = self._headers("GET", path, b"", now)
        answer = ask(PROVIDER, "GET", url, headers=headers, most=_MOST_BILL)
        if answer.status_code != 200:
            raise GatewayUnavailable(f"WeChat's file answers {answer.status_code}", provider=PROVIDER)
        return answer.content

    def refresh(self, now: datetime) -> int:
        """Fetch the platform certificates, if an hour is over; return how many came.

        The answer may be signed with a certificate that stands in it: what is in it is encrypted with our own key.
        """
        if not certificates.is_due(self.mch_id, now):
            return 0
        answer = self._send("GET", "/v3/certificates", now, None)
        try:
            told = strict_json.read_object(answer.content)
            data = told.get("data")
            came = certificates.read_certificates(data, self.api_key, now)
            verify(headers=answer.headers, body=answer.content, keys={**came, **self.known_keys(now)}, now=now)
        except ValueError as error:
            log.error("WeChat's platform certificates are not believed: %s", error)
            raise GatewayUnavailable("WeChat's platform certificates are not believed", provider=PROVIDER) from None
        assert isinstance(data, list)  # read_certificates has looked
        certificates.keep(self.mch_id, data, now)
        return len(came)

    def _send(self, method: str, path: str, now: datetime, body: Mapping[str, Any] | None) -> httpx.Response:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() if body is not None else b""
        headers = self._headers(method, path, content, now)
        answer = ask(PROVIDER, method, f"{self.url}{path}", headers=headers, content=content or None)
        if answer.status_code in (200, 204):
            return answer
        code, words = _told(answer.content)
        # Unsigned or not, an error is a hint: whoever must know what became of the money asks again.
        if not 400 <= answer.status_code < 500 or answer.status_code == 429 or code in _UNKNOWN or not code:
            raise GatewayUnavailable(f"WeChat answers {answer.status_code} {code}".strip(), provider=PROVIDER)
        if answer.status_code != 404:  # which is how most orders begin
            log.warning("WeChat refuses %s: %s %s", path.partition("?")[0], code, words)
        raise GatewayRefused(words, provider=PROVIDER, provider_code=code)

    def _headers(self, method: str, path: str, content: bytes, now: datetime) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "Tickpack",
            "Authorization": authorization(
                method=method,
                path=path,
                body=content,
                mch_id=self.mch_id,
                serial=self.serial,
                key=self.key,
                now=now,
                nonce=secrets.token_hex(16),
            ),
        }
        # Which of its keys WeChat shall sign its answer with: the one that settings name first.
        if (own := next(iter(self.keys or self.known_keys(now)), None)) is not None:
            headers["Wechatpay-Serial"] = own
        return headers


def _told(content: bytes) -> tuple[str, str]:
    try:
        told = strict_json.read_object(content)
    except ValueError:
        return "", ""
    code, words = told.get("code", ""), told.get("message", "")
    return (code[:60], words[:150]) if isinstance(code, str) and isinstance(words, str) else ("", "")
