"""Secrets of second factors are sealed in the database, and stay readable when the shop's key changes."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP

from accounts.errors import SecondFactorSealed
from accounts.second_factors import seal, seal_all, unseal
from kernel.clock import utc_now
from tests.accounts.totp import totp
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def changed_key(settings):
    """The shop gets another SECRET_KEY; call it with whether the one before still stands in SECRET_KEY_PREVIOUS."""

    def change(*, known: bool) -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if known else []
        settings.SECRET_KEY = "another-" + "z7" * 30

    return change


def kept() -> list[str]:
    return [str(row.data) for row in Authenticator.objects.all()]


def is_right(row: Authenticator) -> bool:
    return TOTP(row).validate_code(totp(SECRET, utc_now().timestamp()))


def test_what_stands_in_the_database_opens_nothing():
    alice = a_customer("alice")

    TOTP.activate(alice, SECRET)
    codes = RecoveryCodes.activate(alice).generate_codes()

    assert not [row for row in kept() if SECRET in row or any(code in row for code in codes)]
    assert all("sealed:" in row for row in kept())
    assert is_right(Authenticator.objects.get(type="totp"))
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes() == codes


def test_the_same_secret_is_never_sealed_alike():
    assert seal(SECRET) != seal(SECRET)


def test_one_from_before_is_read_as_it_stands_and_sealed_once():
    row = Authenticator.objects.create(user=a_customer("alice"), type="totp", data={"secret": SECRET})
    Authenticator.objects.create(
        user=row.user, type="recovery_codes", data={"migrated_codes": ["12345678"], "used_mask": 0}
    )

    assert is_right(row)
    assert [seal_all(), seal_all()] == [(2, 0), (0, 0)]
    row.refresh_from_db()
    assert SECRET not in str(row.data)
    assert unseal(row.data["secret"]) == SECRET
    old = Authenticator.objects.get(type="recovery_codes")
    assert "12345678" not in str(old.data)
    assert RecoveryCodes(old).generate_codes() == ["12345678"]


def test_it_survives_another_key_and_needs_the_one_before_no_more_once_sealed_anew(changed_key, settings):
    TOTP.activate(a_customer("alice"), SECRET)

    changed_key(known=True)
    assert unseal(Authenticator.objects.get().data["secret"]) == SECRET
    assert [seal_all(), seal_all()] == [(1, 0), (0, 0)]
    settings.SECRET_KEY_FALLBACKS = []

    assert is_right(Authenticator.objects.get())


def test_one_of_an_unknown_key_says_what_to_do_and_is_kept(changed_key):
    TOTP.activate(a_customer("alice"), SECRET)
    before = kept()
    changed_key(known=False)

    with pytest.raises(SecondFactorSealed, match="SECRET_KEY_PREVIOUS"):
        is_right(Authenticator.objects.get())
    assert seal_all() == (0, 1)
    assert kept() == before
