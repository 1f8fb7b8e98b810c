"""The private keys that sign tokens: one file a key under TOKEN_KEYS_DIR, and the public halves beside them.

A key's id begins with the instant it was made, so the files alone say which one signs. A new key is published at
once and signs two minutes later, when every node has fetched it (they ask each minute); the only key signs at once.
"""

import base64
import json
import os
import secrets
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
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


def key_ids() -> list[str]:
    """Return the ids of the keys on disk, oldest first."""
    return sorted(path.stem for path in _folder().glob("*.pem"))


def create_key(*, now: datetime) -> str:
    """Make a key and publish its public half; return its id."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kid = f"{now.astimezone(UTC).strftime(_STAMP)}-{secrets.token_hex(2)}"
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / f"{kid}.pem", pem, mode=0o600)
    publish()
    return kid


def ensure_key(*, now: datetime) -> str:
    """Return the id of the key that signs, making the first one where there is none."""
    if not key_ids():
        return create_key(now=now)
    publish()
    return signing_key_id(now=now)


def remove_key(*, kid: str) -> None:
    """Forget a key: tokens signed with it are refused as soon as nodes have fetched the list again.

    Raises:
        ValueError: there is no such key, or it is the only one.
    """
    ids = key_ids()
    if kid not in ids:
        raise ValueError(f"there is no key {kid!r}")
    if len(ids) == 1:
        raise ValueError("this is the only key; create another one first")
    (_folder() / f"{kid}.pem").unlink()
    publish()


def signing_key_id(*, now: datetime) -> str:
    """Return the id of the key that signs now: the newest that every node knows, else the oldest.

    Raises:
        FileNotFoundError: there is no key; `manage.py token_keys create` makes one.
    """
    ids = key_ids()
    if not ids:
        raise FileNotFoundError(f"no signing key in {_folder()}; run: manage.py token_keys create")
    known = [kid for kid in ids if _made_at(kid) <= now - PUBLISHED_BEFORE]
    return known[-1] if known else ids[0]


def load_key(kid: str) -> Ed25519PrivateKey:
    """Return a private key."""
    key = load_pem_private_key((_folder() / f"{kid}.pem").read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{kid}.pem is not an Ed25519 key")
    return key


def jwks() -> dict[str, Any]:
    """Return the public halves as a JWK set (RFC 7517, RFC 8037)."""
    return {"keys": [_public(kid) for kid in key_ids()]}


def publish() -> None:
    """Write the JWK set beside the keys, by rename: a node never reads half of it."""
    text = json.dumps(jwks(), indent=1).encode()
    target = _folder() / "jwks.json"
    if not target.exists() or target.read_bytes() != text:
        _write(target, text, mode=0o644)


def _public(kid: str) -> dict[str, str]:
    raw = load_key(kid).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA", "use": "sig"}


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
