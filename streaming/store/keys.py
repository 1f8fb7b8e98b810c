"""The public keys a node verifies tokens with: TOKEN_JWKS, a path or a URL, kept fresh and served stale.

Refreshed every 60 s and once in 10 s at most for a kid nobody knows; a failed fetch keeps the keys of before, so that
sockets go on connecting while the control plane is down.
"""

import asyncio
import hashlib
import json
import logging
import re
import threading
import time
from pathlib import Path

import httpx
import jwt
from django.conf import settings

from kernel import clock, tokens
from kernel.tokens import Claims, UnknownKey, VerifyKey

log = logging.getLogger(__name__)
_KID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_REFRESH_SECONDS = 60.0
_UNKNOWN_KID_SECONDS = 10.0
_ALGORITHM_OF = {"OKP": "EdDSA", "RSA": "RS256"}
_MOST_REMEMBERED = 20_000  # tokens, 10 MB; their clients come back after a cut, and a signature is a tenth of a connect


class KeyRing:
    """Verify keys by kid. Safe to use from several threads."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._text = ""
        # Keys by kid, and what was verified with exactly these, by digest; never what failed. One replaces both.
        self._known: tuple[dict[str, VerifyKey], dict[bytes, Claims]] = ({}, {})
        self._tried_at = float("-inf")  # monotonic seconds
        self._lock = threading.Lock()

    def keys_for(self, kid: str) -> dict[str, VerifyKey]:
        """Return all keys, after looking for newer ones where it is time or `kid` is not among them."""
        age = time.monotonic() - self._tried_at
        if age > _REFRESH_SECONDS or (kid not in self._known[0] and age > _UNKNOWN_KID_SECONDS):
            with self._lock:
                if time.monotonic() - self._tried_at > min(age, _UNKNOWN_KID_SECONDS):
                    self._refresh()
        return self._known[0]

    def is_fresh_for(self, kid: str) -> bool:
        """Tell whether `keys_for` would answer without asking anybody."""
        age = time.monotonic() - self._tried_at
        return age <= _REFRESH_SECONDS and (kid in self._known[0] or age <= _UNKNOWN_KID_SECONDS)

    def verify(self, token: str, kid: str, *, issuer: str, audience: str, now_s: float) -> Claims:
        """Return what a token says, as kernel.tokens.verify does; one that was here before costs no signature again.

        The times are looked at each time; revocation and the stored entitlement are the store's to tell, each time too.
        """
        self.keys_for(kid)
        keys, remembered = self._known
        if kid not in keys:
            raise UnknownKey
        told = f"{issuer}\0{audience}\0{token}".encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(told).digest()
        claims = remembered.get(digest)
        if claims is not None:
            claims.check(now_s)
            return claims
        claims = tokens.verify(token, keys=keys, issuer=issuer, audience=audience, now_s=now_s)
        if len(remembered) >= _MOST_REMEMBERED:
            remembered.pop(next(iter(remembered)), None)
        remembered[digest] = claims
        return claims

    def _refresh(self) -> None:
        try:
            text = _load(self.source)
            keys = read_jwks(text) if text != self._text else None
        except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            log.warning(
                "TOKEN_JWKS %s cannot be read (%s); going on with %d keys of before",
                self.source,
                error,
                len(self._known[0]),
            )
        else:
            if keys is not None:
                self._text, self._known = text, (keys, {})
        finally:
            # Not before: who asks meanwhile must wait for the answer, not take it for a key that nobody knows.
            self._tried_at = time.monotonic()


def _load(source: str) -> str:
    if source.startswith(("http://", "https://")):
        return httpx.get(source, timeout=3.0, follow_redirects=False).raise_for_status().text
    return Path(source).read_text()


def read_jwks(text: str) -> dict[str, VerifyKey]:
    """Read a JWKS; keys of another type or with an unusual kid are left out.

    Raises:
        ValueError: it is not a JWKS at all.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("not a JWKS: no list of keys")
    ring: dict[str, VerifyKey] = {}
    for entry in document["keys"]:
        if not isinstance(entry, dict):
            continue
        kid, algorithm = entry.get("kid"), _ALGORITHM_OF.get(str(entry.get("kty")))
        if algorithm and isinstance(kid, str) and _KID.fullmatch(kid):
            try:
                ring[kid] = VerifyKey(algorithm, jwt.PyJWK(entry, algorithm=algorithm).key)
            except jwt.PyJWTError:
                log.warning("the key %s in the JWKS cannot be used", kid)
    return ring


_rings: dict[str, KeyRing] = {}


def _ring() -> KeyRing:
    source = settings.TOKEN_JWKS
    return _rings.get(source) or _rings.setdefault(source, KeyRing(source))


async def verify_async(token: str) -> Claims:
    """The same on an event loop: a refresh of the keys, which may ask over the network, is left to a thread.

    Raises:
        BadToken: or one of its kinds; all are HTTP 401.
    """
    ring = _ring()
    if ring.is_fresh_for(tokens.key_id(token)):
        return verify(token)
    return await asyncio.to_thread(verify, token)


def verify(token: str) -> Claims:
    """Verify a token with this node's keys, for this node's group, now. Does no I/O but the rare refresh of the keys.

    Raises:
        BadToken: or one of its kinds; all are HTTP 401.
    """
    ring = _ring()
    kid = tokens.key_id(token)
    if not _KID.fullmatch(kid):
        raise UnknownKey
    return ring.verify(
        token, kid, issuer=settings.TOKEN_ISSUER, audience=settings.NODE_GROUP, now_s=clock.now_ms() / 1000
    )
