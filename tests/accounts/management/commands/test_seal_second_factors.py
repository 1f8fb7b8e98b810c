"""`manage.py seal_second_factors`."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def row() -> Authenticator:
    return Authenticator.objects.create(user=a_customer("alice"), type="totp", data={"secret": "plain"})


def test_it_says_how_many_it_sealed(row, capsys):
    call_command("seal_second_factors")

    assert "1 sealed with the present SECRET_KEY" in capsys.readouterr().out
    row.refresh_from_db()
    assert row.data["secret"].startswith("sealed:")


def test_what_nobody_opens_is_an_error_that_says_what_to_do(row, settings):
    call_command("seal_second_factors")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "q7" * 30, []

    with pytest.raises(CommandError, match="1 were sealed with a key that is neither"):
        call_command("seal_second_factors")


@pytest.mark.parametrize("role", ["node", "worker"])
def test_who_has_no_key_of_the_shop_seals_nothing(row, settings, role):
    settings.ROLE = role

    with pytest.raises(CommandError, match="run it as panel"):
        call_command("seal_second_factors")
    row.refresh_from_db()
    assert row.data["secret"] == "plain"
