"""Messages that providers really sent; tests/samples/payments says whence."""

import json
from pathlib import Path
from urllib.parse import urlencode

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "samples" / "payments" / "vectors.json").read_text())
ALIPAY, WECHAT = VECTORS["alipay_notify"], VECTORS["wechat_notify"]


def alipay_form(**changes: str) -> bytes:
    """The notice that Alipay sent in 2019, as a form; changed, it is forged."""
    return urlencode({**ALIPAY["params"], "sign": ALIPAY["sign"], "sign_type": "RSA2", **changes}).encode()
