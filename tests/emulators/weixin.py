"""WeChat's open platform: the page with the code to scan, the exchange of what comes back, and who somebody is."""

from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlsplit

from tests.emulators.serving import Emulator, Reply, Request, as_json


@dataclass
class Person:
    open_id: str
    union_id: str
    nickname: str


class WeixinEmulator(Emulator):
    """`scans` is who holds the phone in front of the code; None: whoever it is refuses on the phone."""

    def __init__(self, *, domain: str = "127.0.0.1", **more) -> None:
        super().__init__(**more)
        self.app_id, self.secret, self.domain = "wxbdc5610cc59c1631", "d4624c36b6795d1d99dcf0547af5443d", domain
        self.scans: Person | None = self.person("张三")
        self._codes: dict[str, Person] = {}
        self._tokens: dict[str, Person] = {}

    def person(self, nickname: str) -> Person:
        number = self.random.randrange(10**12)
        return Person(f"oEmulated{number:012d}", f"uEmulated{number:012d}", nickname)

    def handle(self, request: Request) -> Reply:
        asked = request.arguments()
        if request.path == "/connect/qrconnect":
            return self._page(asked, is_seen="text/html" in request.headers.get("accept", ""))
        if request.path == "/sns/oauth2/access_token":
            return self._exchange(asked)
        if request.path == "/sns/userinfo":
            return self._who(asked)
        return Reply(204) if request.path == "/favicon.ico" else Reply(404)

    def _page(self, asked: dict[str, str], is_seen: bool) -> Reply:
        back = urlsplit(asked.get("redirect_uri", ""))
        if asked.get("appid") != self.app_id or back.hostname != self.domain:
            return Reply(200, "redirect_uri 参数错误".encode(), {"Content-Type": "text/html; charset=utf-8"})
        if asked.get("scope") != "snsapi_login" or asked.get("response_type") != "code" or not asked.get("state"):
            return Reply(200, "Scope 参数错误或没有 Scope 权限".encode(), {"Content-Type": "text/html; charset=utf-8"})
        state = quote(asked["state"])
        if self.scans is None:
            # Who refuses comes back with a state and without a code.
            return _leads_on(f"{asked['redirect_uri']}?state={state}", is_seen)
        code = f"c{self.random.randrange(10**16):016d}"
        self._codes[code] = self.scans
        return _leads_on(f"{asked['redirect_uri']}?code={code}&state={state}", is_seen)

    def _exchange(self, asked: dict[str, str]) -> Reply:
        fault = self.fault("access_token")
        if fault:
            return _broken(fault)
        if asked.get("appid") != self.app_id or asked.get("secret") != self.secret:
            return _error(40125, "invalid appsecret")
        person = self._codes.pop(asked.get("code", ""), None)
        if person is None or asked.get("grant_type") != "authorization_code":
            return _error(40029, "invalid code")
        token = f"t{self.random.randrange(10**16):016d}"
        self._tokens[token] = person
        told = {
            "access_token": token, "expires_in": 7200, "refresh_token": "r", "openid": person.open_id,
            "scope": "snsapi_login", "unionid": person.union_id,
        }  # fmt: skip
        return _told(told)

    def _who(self, asked: dict[str, str]) -> Reply:
        fault = self.fault("userinfo")
        person = self._tokens.get(asked.get("access_token", ""))
        if fault == "other":
            return _told({"openid": "oSomebodyElse", "nickname": "李四", "unionid": "u"})
        if fault:
            return _broken(fault)
        if person is None or asked.get("openid") != person.open_id:
            return _error(40003, "invalid openid")
        told = {
            "openid": person.open_id, "nickname": person.nickname, "sex": 1, "language": "zh_CN", "city": "深圳",
            "province": "广东", "country": "中国", "headimgurl": "https://thirdwx.qlogo.cn/mmopen/g3/0",
            "privilege": [], "unionid": person.union_id,
        }  # fmt: skip
        return _told(told)


def _leads_on(address: str, is_seen: bool) -> Reply:
    """A browser shows the page and moves on by itself once somebody has scanned; a program follows a redirect."""
    if not is_seen:
        return Reply(302, b"", {"Location": address})
    page = f'<!doctype html><title>微信登录</title><meta http-equiv="refresh" content="0;url={escape(address)}">'
    return Reply(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def _told(told: dict) -> Reply:
    return Reply(200, as_json(told), {"Content-Type": "text/plain"})  # as WeChat sends it


def _error(code: int, words: str) -> Reply:
    return _told({"errcode": code, "errmsg": f"{words}, rid: 1"})


def _broken(fault: str) -> Reply:
    return {
        "500": Reply(500, b"<html>"),
        "hang": Reply(200, b"{}", wait_seconds=30),
        "garbage": Reply(200, b"\xff\xfe"),
        "half": Reply(200, b'{"openid"', half=True),
        "list": Reply(200, b"[]"),
    }[fault]
