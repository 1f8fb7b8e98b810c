"""An authenticator app: RFC 6238 with SHA-1, six digits, 30 seconds."""

import base64
import hashlib
import hmac
import struct


def totp(secret: str, at_s: float) -> str:
    """Return the code that an app shows at an instant."""
    key = base64.b32decode(secret, casefold=True)
    digest = hmac.new(key, struct.pack(">Q", int(at_s) // 30), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"
