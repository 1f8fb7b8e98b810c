"""Aliyun's and Tencent's senders of messages: signatures are reckoned anew from what arrived, then words, then limits."""

import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from tests.emulators.serving import Emulator, Reply, Request, as_json


@dataclass(frozen=True)
class Message:
    """What a phone received."""

    number: str  # eleven digits
    template: str
    code: str


class SmsEmulator(Emulator):
    """What both have: an account with keys, a reviewed signature, and reviewed templates of one variable."""

    def __init__(self, *, key_id: str, key_secret: str, sign_name: str = "行情小铺", **more) -> None:
        super().__init__(**more)
        self.key_id, self.key_secret, self.sign_name = key_id, key_secret, sign_name
        self.templates: set[str] = set()
        self.messages: list[Message] = []
        self.refused: list[str] = []

    def last_code(self, number: str) -> str:
        return next(one.code for one in reversed(self.messages) if one.number == number)

    def _number(self, prefix: str) -> str:
        return f"{prefix}{self.random.randrange(10**15):015d}"


class AliyunSmsEmulator(SmsEmulator):
    """POST / with everything in the query; ACS3-HMAC-SHA256."""

    def __init__(self, **more) -> None:
        super().__init__(key_id="LTAI5tEmulated", key_secret="sEcReT/of+Aliyun", **more)
        self.templates = {"SMS_154950909", "SMS_154950910"}
        self._nonces: set[str] = set()

    def handle(self, request: Request) -> Reply:
        wrong = self._wrong_signature(request)
        if wrong:
            self.refused.append(wrong)
            return self._told(400, wrong, "Specified signature is not matched with our calculation.")
        fault = self.fault("send")
        if fault == "500":
            return Reply(500, b"<html>busy</html>")
        if fault == "hang":
            return Reply(200, b"{}", wait_seconds=30)
        if fault == "garbage":
            return Reply(200, b'{"Code": ["OK"')
        if fault == "half":
            return Reply(200, b'{"Code":"OK"', half=True)
        if fault == "no_number":
            return Reply(200, as_json({"Code": "OK", "Message": "OK", "RequestId": "R"}))
        if fault:
            # Its words repeat the number, as the real ones may.
            number = dict(parse_qsl(request.query))["PhoneNumbers"]
            return self._told(503 if fault.startswith(("isp.", "Gateway")) else 200, fault, f"{number} {fault}")
        return self._send(dict(parse_qsl(request.query, keep_blank_values=True)))

    def _send(self, asked: dict[str, str]) -> Reply:
        if set(asked) != {"PhoneNumbers", "SignName", "TemplateCode", "TemplateParam"}:
            return self._told(400, "InvalidParameter", str(sorted(asked)))
        if not re.fullmatch(r"1[3-9][0-9]{9}", asked["PhoneNumbers"]):
            return self._told(200, "isv.MOBILE_NUMBER_ILLEGAL", f"{asked['PhoneNumbers']} 号码格式错误")
        if asked["SignName"] != self.sign_name:
            return self._told(200, "isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名")
        if asked["TemplateCode"] not in self.templates:
            return self._told(200, "isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
        params = json.loads(asked["TemplateParam"])
        if set(params) != {"code"} or not isinstance(params["code"], str):
            return self._told(200, "isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺少对应参数值")
        self.messages.append(Message(asked["PhoneNumbers"], asked["TemplateCode"], params["code"]))
        told = {"Code": "OK", "Message": "OK", "BizId": self._number("9"), "RequestId": "F655A8D5-B967-440B-8683"}
        return Reply(200, as_json(told))

    def _told(self, status: int, code: str, words: str) -> Reply:
        return Reply(status, as_json({"Code": code, "Message": words, "RequestId": "R"}))

    def _wrong_signature(self, request: Request) -> str:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        told = dict(part.partition("=")[::2] for part in rest.split(","))
        if scheme != "ACS3-HMAC-SHA256" or set(told) != {"Credential", "SignedHeaders", "Signature"}:
            return "IncompleteSignature"
        if told["Credential"] != self.key_id:
            return "InvalidAccessKeyId.NotFound"
        names = told["SignedHeaders"].split(";")
        must = {name for name in request.headers if name.startswith("x-acs-") or name in ("host", "content-type")}
        if set(names) != must or names != sorted(names):
            return "SignatureDoesNotMatch"
        if (request.headers["x-acs-action"], request.headers["x-acs-version"]) != ("SendSms", "2017-05-25"):
            return "InvalidAction.NotFound"
        if request.headers["x-acs-content-sha256"] != hashlib.sha256(request.body).hexdigest():
            return "InvalidContentSha256"
        at = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(at.timestamp() - self.clock()) > 900:
            return "InvalidTimeStamp.Expired"
        nonce = request.headers["x-acs-signature-nonce"]
        if nonce in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(nonce)
        pairs = sorted(parse_qsl(request.query, keep_blank_values=True))
        query = "&".join(f"{_percent(name)}={_percent(value)}" for name, value in pairs)
        text = "\n".join(
            [
                request.method,
                request.path or "/",
                query,
                *[f"{name}:{request.headers[name].strip()}" for name in names],
                "",
                ";".join(names),
                request.headers["x-acs-content-sha256"],
            ]
        )
        digest = hashlib.sha256(text.encode()).hexdigest()
        wanted = hmac.digest(self.key_secret.encode(), f"ACS3-HMAC-SHA256\n{digest}".encode(), "sha256").hex()
        return "" if wanted == told["Signature"] else "SignatureDoesNotMatch"


class TencentSmsEmulator(SmsEmulator):
    """POST / with JSON; TC3-HMAC-SHA256."""

    def __init__(self, **more) -> None:
        super().__init__(key_id="AKIDEmulated", key_secret="Gu5tEmulated", **more)
        self.app_id, self.region = "1400006666", "ap-guangzhou"
        self.templates = {"1110", "1111"}

    def handle(self, request: Request) -> Reply:
        wrong = self._wrong_signature(request)
        if wrong:
            self.refused.append(wrong)
            return _failed(wrong, "The provided credentials could not be validated.")
        asked = json.loads(request.body)
        number = asked["PhoneNumberSet"][0]
        fault = self.fault("send")
        if fault == "500":
            return Reply(502, b"<html>bad gateway</html>")
        if fault == "hang":
            return Reply(200, b"{}", wait_seconds=30)
        if fault == "garbage":
            return Reply(200, b'{"Response": {"SendStatusSet": []}}')
        if fault == "half":
            return Reply(200, b'{"Response"', half=True)
        if fault == "other_number":
            return self._status("+8613900000000", "Ok", "send success")
        if fault.startswith(("InternalError", "RequestLimitExceeded")):
            return _failed(fault, "busy")
        if fault:
            return self._status(number, fault, f"{number} {fault}")
        return self._send(asked)

    def _send(self, asked: dict) -> Reply:
        if set(asked) != {"PhoneNumberSet", "SmsSdkAppId", "SignName", "TemplateId", "TemplateParamSet"}:
            return _failed("UnknownParameter", str(sorted(asked)))
        (number,) = asked["PhoneNumberSet"]
        if asked["SmsSdkAppId"] != self.app_id:
            return self._status(number, "InvalidParameterValue.SdkAppIdNotExist", "sdkappid not exist")
        if not re.fullmatch(r"\+861[3-9][0-9]{9}", number):
            return self._status(number, "InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number")
        if asked["SignName"] != self.sign_name:
            return self._status(number, "FailedOperation.SignatureIncorrectOrUnapproved", "signature")
        params = asked["TemplateParamSet"]
        if asked["TemplateId"] not in self.templates or len(params) != 1 or not isinstance(params[0], str):
            return self._status(number, "FailedOperation.TemplateIncorrectOrUnapproved", "template")
        self.messages.append(Message(number[3:], asked["TemplateId"], params[0]))
        return self._status(number, "Ok", "send success")

    def _status(self, number: str, code: str, words: str) -> Reply:
        sent = code == "Ok"
        status = {
            "SerialNo": self._number("5000:") if sent else "",
            "PhoneNumber": number,
            "Fee": int(sent),
            "SessionContext": "",
            "Code": code,
            "Message": words,
            "IsoCode": "CN",
        }
        return Reply(200, as_json({"Response": {"SendStatusSet": [status], "RequestId": "a0aabda6"}}))

    def _wrong_signature(self, request: Request) -> str:
        found = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/([\d-]+)/(\w+)/tc3_request, SignedHeaders=([\w;-]+), Signature=(\w{64})",
            request.headers.get("authorization", ""),
        )
        if found is None:
            return "AuthFailure.InvalidAuthorization"
        key_id, day, service, listed, signature = found.groups()
        if key_id != self.key_id:
            return "AuthFailure.SecretIdNotFound"
        stamp = request.headers.get("x-tc-timestamp", "0")
        if abs(int(stamp) - self.clock()) > 300 or time.strftime("%Y-%m-%d", time.gmtime(int(stamp))) != day:
            return "AuthFailure.SignatureExpire"
        wanted_headers = {"x-tc-action": "SendSms", "x-tc-version": "2021-01-11", "x-tc-region": self.region}
        if any(request.headers.get(name) != value for name, value in wanted_headers.items()):
            return "InvalidAction"
        names = listed.split(";")
        if not {"content-type", "host"} <= set(names) or names != sorted(names) or service != "sms":
            return "AuthFailure.SignatureFailure"
        canonical = (
            f"{request.method}\n{request.path}\n{request.query}\n"
            + "".join(f"{name}:{request.headers[name].strip().lower()}\n" for name in names)
            + f"\n{listed}\n{hashlib.sha256(request.body).hexdigest()}"
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"TC3-HMAC-SHA256\n{stamp}\n{day}/{service}/tc3_request\n{digest}"
        date_key = hmac.digest(b"TC3" + self.key_secret.encode(), day.encode(), "sha256")
        signing_key = hmac.digest(hmac.digest(date_key, service.encode(), "sha256"), b"tc3_request", "sha256")
        right = hmac.digest(signing_key, text.encode(), "sha256").hex()
        return "" if right == signature else "AuthFailure.SignatureFailure"


def _failed(code: str, words: str) -> Reply:
    return Reply(200, as_json({"Response": {"Error": {"Code": code, "Message": words}, "RequestId": "R"}}))


_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def _percent(text: str) -> str:
    return "".join(chr(one) if one in _PLAIN else f"%{one:02X}" for one in text.encode())
