"""Asks Alipay: signs what it sends, and believes only what is signed."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from billing.errors import GatewayRefused, GatewayUnavailable
from billing.gateways import rsa
from billing.gateways.alipay.reading import PROVIDER
from billing.gateways.alipay.signing import Keys, read_answer, request_text
from billing.gateways.http import ask
from billing.gateways.texts import shanghai_text

log = logging.getLogger(__name__)

NOT_EXIST = "ACQ.TRADE_NOT_EXIST"
_MOST_BILL = 64 * 1024 * 1024
# Nobody knows whether it was done; AQC is how Alipay itself misspells it.
_UNKNOWN = {"20000", "40005", "ACQ.SYSTEM_ERROR", "AQC.SYSTEM_ERROR", "isp.unknow-error", "aop.unknow-error"}


@dataclass(frozen=True, slots=True)
class AlipayClient:
    """One merchant's way to Alipay.

    Attributes:
        certificate_sn, root_sn: of the merchant's own certificate and of Alipay's root file; "" with public keys.
    """

    url: str
    app_id: str
    key: RSAPrivateKey = field(repr=False)
    keys: Keys
    certificate_sn: str = ""
    root_sn: str = ""

    def address(self, method: str, biz: Mapping[str, str], now: datetime, *, notify_url: str, return_url: str) -> str:
        """Return the address of a page of Alipay's, signed."""
        parameters = self._signed(method, biz, now, {"notify_url": notify_url, "return_url": return_url})
        return f"{self.url}?{urlencode(parameters)}"

    def call(self, method: str, biz: Mapping[str, str], now: datetime, *, notify_url: str = "") -> dict[str, str]:
        """Ask, and return what Alipay has signed.

        Raises:
            GatewayRefused: it said no; its code is in `provider_code`.
            GatewayUnavailable: it did not answer, or so that it could not be believed: ask again with the same number.
        """
        content = urlencode(self._signed(method, biz, now, {"notify_url": notify_url})).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "User-Agent": "Tickpack"}
        answer = ask(PROVIDER, "POST", self.url, headers=headers, content=content)
        if answer.status_code != 200:
            raise GatewayUnavailable(f"Alipay answers {answer.status_code}", provider=PROVIDER)
        try:
            found, signed = read_answer(answer.content, method, self.keys)
        except ValueError as error:
            log.error("an answer of Alipay to %s is not believed: %s", method, error)
            raise GatewayUnavailable("an answer of Alipay is not believed", provider=PROVIDER) from None
        told = {name: value for name, value in found.items() if isinstance(value, str)}
        return self._judged(method, told, signed)

    def download(self, url: str) -> bytes:
        """Fetch a file whose address Alipay has signed; the file itself is not."""
        answer = ask(PROVIDER, "GET", url, most=_MOST_BILL)
        if answer.status_code != 200:
            raise GatewayUnavailable(f"Alipay's file answers {answer.status_code}", provider=PROVIDER)
        return answer.content

    def _judged(self, method: str, told: dict[str, str], signed: bool) -> dict[str, str]:
        code, sub_code = told.get("code", ""), told.get("sub_code", "")
        if code in _UNKNOWN or sub_code in _UNKNOWN:
            raise GatewayUnavailable(f"Alipay is busy ({sub_code or code})"[:80], provider=PROVIDER)
        # Unsigned, only that the request never got as far as a trade is believed: it changes nothing.
        if not signed and (code in ("10000", "10003", "40004") or not code):
            log.error("an answer of Alipay to %s has no signature: %s %s", method, code, sub_code[:60])
            raise GatewayUnavailable("an answer of Alipay has no signature", provider=PROVIDER)
        if code not in ("10000", "10003"):
            words = told.get("sub_msg") or told.get("msg", "")
            if sub_code != NOT_EXIST:  # which is how most orders begin
                log.warning("Alipay refuses %s: %s %s", method, sub_code or code, words[:150])
            raise GatewayRefused(words[:150], provider=PROVIDER, provider_code=(sub_code or code)[:60])
        return told

    def _signed(self, method: str, biz: Mapping[str, str], now: datetime, more: Mapping[str, str]) -> dict[str, str]:
        parameters = {
            "app_id": self.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": shanghai_text(now),  # Alipay's clock is Shanghai's
            "version": "1.0",
            "app_cert_sn": self.certificate_sn,
            "alipay_root_cert_sn": self.root_sn,
            "biz_content": json.dumps(biz, ensure_ascii=False, separators=(",", ":")),
            **more,
        }
        parameters = {name: value for name, value in parameters.items() if value}
        return {**parameters, "sign": rsa.sign(self.key, request_text(parameters).encode())}
