"""Tencent Cloud's messages: SendSms of sms 2021-01-11, each request signed with TC3-HMAC-SHA256.

Source: documents 382/55981 (SendSms), 382/52072 (signature) and 382/59177 (codes) of cloud.tencent.com.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from accounts.domain.phones import Why
from accounts.errors import SmsRefused, SmsUnavailable
from accounts.outside import NoAnswer, ask
from accounts.sms.account import Account, account, missing_of
from accounts.sms.protocol import Sent
from kernel.clock import utc_now

log = logging.getLogger(__name__)

PROVIDER = "tencent"
_URL = "https://sms.tencentcloudapi.com"
_TYPE = "application/json; charset=utf-8"
_OF_NUMBER = {
    "InvalidParameterValue.IncorrectPhoneNumber",
    "FailedOperation.PhoneNumberInBlacklist",
    "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
}
_AWAY = ("InternalError", "RequestLimitExceeded", "ServiceUnavailable", "ResourceUnavailable")


def missing() -> list[str]:
    found = missing_of("Tencent", first="SecretId", second="SecretKey")
    if not settings.SMS_APP_ID:
        found.append("Tencent needs SMS_APP_ID: the SdkAppId of an application in its console, like 1400006666")
    return found


def create() -> "Tencent":
    return Tencent(account(_URL), app_id=settings.SMS_APP_ID, region=settings.SMS_REGION)


class Tencent:
    name = PROVIDER

    def __init__(self, of: Account, *, app_id: str, region: str) -> None:
        self._of, self._app_id, self._region = of, app_id, region

    def send(self, number: str, template: str, params: Mapping[str, str]) -> Sent:
        asked = {
            "PhoneNumberSet": [number],
            "SmsSdkAppId": self._app_id,
            "SignName": self._of.sign_name,
            "TemplateId": template,
            "TemplateParamSet": list(params.values()),  # its texts number them, {1}, {2}
        }
        content = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed_headers(
            host=urlsplit(self._of.url).netloc,
            service="sms",
            action="SendSms",
            version="2021-01-11",
            content=content,
            key_id=self._of.key_id,
            key_secret=self._of.key_secret,
            now=utc_now(),
        )
        try:
            answer = ask("POST", f"{self._of.url}/", headers={**headers, "X-TC-Region": self._region}, content=content)
            code, number_there = _told(json.loads(answer.content), number)
        except (NoAnswer, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SmsUnavailable(f"Tencent does not answer ({type(error).__name__})", provider=PROVIDER) from None
        if answer.status_code == 200 and code == "Ok" and number_there:
            return Sent(number_there)
        if answer.status_code >= 500 or code == "Ok" or code.startswith(_AWAY):
            raise SmsUnavailable(f"Tencent answers {answer.status_code} {code}", provider=PROVIDER)
        limits = ("LimitExceeded.PhoneNumber", "LimitExceeded.DeliveryFrequency")
        why = Why.NUMBER if code in _OF_NUMBER else Why.LIMIT if code.startswith(limits) else Why.SETUP
        if why is Why.SETUP:
            log.error("Tencent refuses to send messages: %s", code)
        raise SmsRefused(provider=PROVIDER, provider_code=code, why=str(why))


def _told(told: Any, number: str) -> tuple[str, str]:
    """Return the code of an answer, and Tencent's number of the message where it is about this one."""
    told = told["Response"]
    if "Error" in told:
        return str(told["Error"]["Code"])[:80], ""
    (status,) = told["SendStatusSet"]
    code = str(status["Code"])[:80]
    return code, str(status.get("SerialNo", ""))[:80] if status.get("PhoneNumber") == number else ""


def signed_headers(
    *, host: str, service: str, action: str, version: str, content: bytes, key_id: str, key_secret: str, now: datetime
) -> dict[str, str]:
    """Return the headers of a POST of JSON to /, its signature among them."""
    day, seconds = f"{now.astimezone(UTC):%Y-%m-%d}", int(now.timestamp())
    names = "content-type;host;x-tc-action"
    lines = f"content-type:{_TYPE}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(content).hexdigest()}"
    scope = f"{day}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{seconds}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{key_secret}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {
        "Authorization": f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}",
        "Content-Type": _TYPE,
        "Host": host,
        "X-TC-Action": action,
        "X-TC-Timestamp": str(seconds),
        "X-TC-Version": version,
    }
