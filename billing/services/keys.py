"""The private keys that sign tokens: one file a key under TOKEN_KEYS_DIR, and the public halves beside them.

Two kinds: Ed25519 for our own tokens, RSA for nodes that want RS256 (nodes.Node.token_kind); each kind has its own
newest key, and all public halves stand in one list. A key's id begins with the instant it was made, so the files alone
say which one signs. A new key is published at once and signs two minutes later, when every node has fetched it (they
ask each minute); the only key of its kind signs at once.
"""

import base64
import json
import os
import secrets
import tempfile
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

PUBLISHED_BEFORE = timedelta(minutes=2)
_STAMP = "%Y%m%dT%H%M%SZ"
EDDSA, RS256 = "EdDSA", "RS256"
ALGORITHMS = (EDDSA, RS256)
_RSA_BITS = 2048
PrivateKey = Ed25519PrivateKey | RSAPrivateKey


def key_ids(algorithm: str | None = None) -> list[str]:
    """Return the ids of the keys on disk, oldest first; of one algorithm or of all."""
    found = sorted(path.stem for path in _folder().glob("*.pem"))
    return found if algorithm is None else [kid for kid in found if algorithm_of(kid) == algorithm]


def algorithm_of(kid: str) -> str:
    """Return the one algorithm that a key is used with."""
    return EDDSA if isinstance(load_key(kid), Ed25519PrivateKey) else RS256


def create_key(*, now: datetime, algorithm: str = EDDSA) -> str:
    """Make a key and publish its public half; return its id."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kid = f"{now.astimezone(UTC).strftime(_STAMP)}-{secrets.token_hex(2)}"
    made: PrivateKey = generate_private_key(65537, _RSA_BITS) if algorithm == RS256 else Ed25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / f"{kid}.pem", pem, mode=0o600)
    publish()
    return kid


def ensure_key(*, now: datetime, algorithm: str = EDDSA) -> str:
    """Return the id of the key that signs, making the first one where there is none."""
    if not key_ids(algorithm):
        return create_key(now=now, algorithm=algorithm)
    publish()
    return signing_key_id(now=now, algorithm=algorithm)


def remove_key(*, kid: str) -> None:
    """Forget a key: tokens signed with it are refused as soon as nodes have fetched the list again.

    Raises:
        ValueError: there is no such key, or it is the only one of its kind.
    """
    if kid not in key_ids():
        raise ValueError(f"there is no key {kid!r}")
    if len(key_ids(algorithm_of(kid))) == 1:
        raise ValueError("this is the only key; create another one first")
    (_folder() / f"{kid}.pem").unlink()
    publish()


def signing_key_id(*, now: datetime, algorithm: str = EDDSA) -> str:
    """Return the id of the key that signs now: the newest that every node knows, else the oldest.

    Raises:
        FileNotFoundError: there is no key; `manage.py token_keys create` makes one.
    """
    ids = key_ids(algorithm)
    if not ids:
        raise FileNotFoundError(f"no {algorithm} key in {_folder()}; run: manage.py token_keys create")
    known = [kid for kid in ids if _made_at(kid) <= now - PUBLISHED_BEFORE]
    return known[-1] if known else ids[0]


def load_key(kid: str) -> PrivateKey:
    """Return a private key."""
    return _loaded((_folder() / f"{kid}.pem").read_bytes(), kid)


@lru_cache(maxsize=32)  # checking an RSA key takes a while
def _loaded(pem: bytes, kid: str) -> PrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise TypeError(f"{kid}.pem is neither an Ed25519 nor an RSA key")
    return key


def jwks() -> dict[str, Any]:
    """Return the public halves as a JWK set (RFC 7517, RFC 7518, RFC 8037)."""
    return {"keys": [_public(kid) for kid in key_ids()]}


def publish() -> None:
    """Write the JWK set beside the keys, by rename: a node never reads half of it."""
    text = json.dumps(jwks(), indent=1).encode()
    target = _folder() / "jwks.json"
    if not target.exists() or target.read_bytes() != text:
        _write(target, text, mode=0o644)


def _public(kid: str) -> dict[str, str]:
    key, named = load_key(kid), {"kid": kid, "use": "sig"}
    if isinstance(key, RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {"kty": "RSA", "n": _base64(_bytes(public.n)), "e": _base64(_bytes(public.e)), "alg": RS256, **named}
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64(raw), "alg": EDDSA, **named}


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _made_at(kid: str) -> datetime:
    try:
        return datetime.strptime(kid.split("-", maxsplit=1)[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)  # a key that an operator brought along is known for ever


def _write(path: Path, content: bytes, *, mode: int) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _folder() -> Path:
    return Path(settings.TOKEN_KEYS_DIR)
