"""Aliyun's messages: SendSms of Dysmsapi 2017-05-25, each request signed with ACS3-HMAC-SHA256.

Source: "V3 request structure and signature" and "SendSms" of help.aliyun.com.
"""

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from accounts.domain.phones import Why
from accounts.errors import SmsRefused, SmsUnavailable
from accounts.outside import NoAnswer, ask
from accounts.sms.account import Account, account, missing_of
from accounts.sms.protocol import Sent
from kernel.clock import utc_now

log = logging.getLogger(__name__)

PROVIDER = "aliyun"
_URL = "https://dysmsapi.aliyuncs.com"
_NOTHING = hashlib.sha256(b"").hexdigest()  # all of the request stands in its query
_OF_NUMBER = {"isv.MOBILE_NUMBER_ILLEGAL", "isv.MOBILE_COUNT_OVER_LIMIT"}
_AWAY = ("isp.", "Throttling", "ServiceUnavailable", "InternalError")


def missing() -> list[str]:
    return missing_of("Aliyun", first="AccessKey ID", second="AccessKey secret")


def create() -> "Aliyun":
    return Aliyun(account(_URL))


class Aliyun:
    name = PROVIDER

    def __init__(self, of: Account) -> None:
        self._of = of

    def send(self, number: str, template: str, params: Mapping[str, str]) -> Sent:
        asked = {
            "PhoneNumbers": number.removeprefix("+86"),  # without a country it is the mainland's
            "SignName": self._of.sign_name,
            "TemplateCode": template,
            "TemplateParam": json.dumps(dict(params), ensure_ascii=False, separators=(",", ":")),
        }
        query = canonical_query(asked)
        headers = signed_headers(
            host=urlsplit(self._of.url).netloc,
            action="SendSms",
            version="2017-05-25",
            query=query,
            key_id=self._of.key_id,
            key_secret=self._of.key_secret,
            now=utc_now(),
            nonce=secrets.token_hex(16),
        )
        try:
            answer = ask("POST", f"{self._of.url}/?{query}", headers=headers)
            told = json.loads(answer.content)
            code, number_there = str(told["Code"])[:80], str(told.get("BizId", ""))[:80]
        except (NoAnswer, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SmsUnavailable(f"Aliyun does not answer ({type(error).__name__})", provider=PROVIDER) from None
        if answer.status_code == 200 and code == "OK" and number_there:
            return Sent(number_there)
        if answer.status_code >= 500 or code == "OK" or code.startswith(_AWAY):
            raise SmsUnavailable(f"Aliyun answers {answer.status_code} {code}", provider=PROVIDER)
        why = Why.NUMBER if code in _OF_NUMBER else Why.LIMIT if "BUSINESS_LIMIT" in code else Why.SETUP
        if why is Why.SETUP:
            # Its own words may repeat the number; the code says enough to find them.
            log.error("Aliyun refuses to send messages: %s", code)
        raise SmsRefused(provider=PROVIDER, provider_code=code, why=str(why))


def canonical_query(asked: Mapping[str, str]) -> str:
    """Return names and values by name, percent-encoded as RFC 3986 has it: a blank is %20, ~ stays."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(asked[name], safe='-_.~')}" for name in sorted(asked))


def signed_headers(
    *, host: str, action: str, version: str, query: str, key_id: str, key_secret: str, now: datetime, nonce: str
) -> dict[str, str]:
    """Return the headers of a POST to / whose content is empty, its signature among them."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": _NOTHING,
        "x-acs-date": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(headers)  # they stand in order already
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n{query}\n{lines}\n{names}\n{_NOTHING}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        **headers,
        "authorization": f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}",
        "accept": "application/json",
    }
