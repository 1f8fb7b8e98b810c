"""Secrets of authenticator apps and recovery codes, sealed with the shop's SECRET_KEY: a copy of the database opens no
second factor.

A sealed one is "sealed:" and a Fernet token; what stood there before sealing began is read as it stands, until
`manage.py seal_second_factors` has sealed it. Only who has the shop's SECRET_KEY seals: nodes and workers make one up.
"""

import base64
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from accounts.errors import SecondFactorSealed

_MARK = "sealed:"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """settings.MFA_ADAPTER."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)


def seal(text: str) -> str:
    """Return a secret as it is kept, sealed with the present SECRET_KEY."""
    return _MARK + _fernet(settings.SECRET_KEY).encrypt(text.encode()).decode()


def unseal(kept: str) -> str:
    """Return a secret, by the present SECRET_KEY or the one before it.

    Raises:
        SecondFactorSealed: it was sealed with neither.
    """
    if not kept.startswith(_MARK):
        return kept
    keys = MultiFernet([_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])
    try:
        return keys.decrypt(kept.removeprefix(_MARK).encode()).decode()
    except InvalidToken as error:
        raise SecondFactorSealed from error


@transaction.atomic
def seal_all() -> tuple[int, int]:
    """Seal anew what is not sealed with the present SECRET_KEY; return how many rows were, and how many nobody can."""
    present, sealed, lost = _fernet(settings.SECRET_KEY), 0, 0
    for row in Authenticator.objects.select_for_update().order_by("pk"):
        try:
            data = {name: _anew(value, present) for name, value in row.data.items()}
        except SecondFactorSealed:
            lost += 1
            continue
        if data != row.data:
            row.data = data
            row.save(update_fields=["data"])
            sealed += 1
    return sealed, lost


def _anew(value: Any, present: Fernet) -> Any:
    if isinstance(value, list):  # recovery codes of an older allauth
        return [_anew(one, present) for one in value]
    if not isinstance(value, str) or _is_sealed_with(present, value):
        return value
    return seal(unseal(value))


def _is_sealed_with(key: Fernet, value: str) -> bool:
    try:
        key.decrypt(value.removeprefix(_MARK).encode())
    except InvalidToken:
        return False
    return value.startswith(_MARK)


def _fernet(secret_key: str) -> Fernet:
    """Return the key that seals second factors and nothing else."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tickpack second factors").derive(
        secret_key.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))
