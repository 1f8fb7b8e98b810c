"""What Alipay signs and how: of requests all parameters, of answers the object as it was written. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from billing.errors import BadNotice
from billing.gateways import rsa, strict_json

MAX_BODY = 64 * 1024
MAX_FIELDS = 200
CHARSETS = {"utf-8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}


@dataclass(frozen=True, slots=True)
class Keys:
    """Alipay's public keys by the serial number of their certificate; without certificates, one key under ""."""

    by_sn: Mapping[str, rsa.PublicKey]

    def verifies(self, sn: str, message: bytes, signature: str) -> bool:
        key = self.by_sn.get(sn)
        return key is not None and rsa.verifies(key, message, signature)


def request_text(parameters: Mapping[str, str]) -> str:
    """Return the text that a request's signature is of: everything but `sign`, empty values dropped, as it is sent."""
    return _joined((name, value) for name, value in parameters.items() if name != "sign" and value != "")


def read_form(body: bytes, keys: Keys) -> dict[str, str]:
    """Return the fields of a notice that Alipay has signed.

    Raises:
        BadNotice: it is too long, has a field twice, is signed in another way or by somebody else.
    """
    if len(body) > MAX_BODY:
        raise BadNotice(f"the notice has {len(body)} bytes; {MAX_BODY} are the most")
    fields, charset = _fields(body)
    if fields.get("sign_type") != "RSA2":
        raise BadNotice(f"the notice is signed by {fields.get('sign_type', '')[:10]!r}, and only RSA2 counts")
    signature, sn = fields.get("sign", ""), fields.get("alipay_cert_sn", "")
    if sn not in keys.by_sn:
        raise BadNotice(f"the notice is signed with a certificate that is not known here: {sn[:64]!r}")
    signed = {name: value for name, value in fields.items() if name not in ("sign", "sign_type", "alipay_cert_sn")}
    texts = [_joined(signed.items())]
    if "" in signed.values():  # not all senders sign empty values
        texts.append(_joined((name, value) for name, value in signed.items() if value != ""))
    if not any(keys.verifies(sn, text.encode(charset, "replace"), signature) for text in texts):
        raise BadNotice("the notice is not signed by Alipay")
    return fields


def read_answer(body: bytes, method: str, keys: Keys) -> tuple[dict[str, object], bool]:
    """Return what Alipay answered to a method, and whether it has signed that.

    Raises:
        ValueError: it is no answer to this method, a part of it stands twice, or its signature is wrong.
    """
    members = strict_json.raw_members(body.decode())
    own = method.replace(".", "_") + "_response"
    name = own if own in members else "error_response"
    raw = members.get(name)
    if raw is None or (own in members and "error_response" in members):
        raise ValueError(f"it has no {own}")
    answer = strict_json.read_object(raw)
    if "sign" not in members:
        return answer, False
    told = strict_json.read_object("{" + ",".join(f'"{one}":{members[one]}' for one in _ABOUT if one in members) + "}")
    signature, sn = told.get("sign"), told.get("alipay_cert_sn", "")
    if not isinstance(signature, str) or not isinstance(sn, str):
        raise ValueError("its signature is no text")
    if not keys.verifies(sn, raw.encode(), signature):
        raise ValueError(f"it is not signed by Alipay (certificate {sn[:64]!r})")
    return answer, True


_ABOUT = ("sign", "alipay_cert_sn")


def _fields(body: bytes) -> tuple[dict[str, str], str]:
    """Return a form's fields, decoded as its own `charset` says, and that charset."""
    try:
        text = body.decode("ascii")
        named = dict(parse_qsl(text, encoding="latin-1", max_num_fields=MAX_FIELDS)).get("charset", "utf-8")
        charset = CHARSETS[named.lower()]
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, encoding=charset, errors="strict",
            max_num_fields=MAX_FIELDS,
        )  # fmt: skip
    except (ValueError, KeyError):
        raise BadNotice("the notice is no form that can be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadNotice("the notice has a field twice")
    return fields, charset


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
