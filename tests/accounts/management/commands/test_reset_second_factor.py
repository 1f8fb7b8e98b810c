"""`manage.py reset_second_factor`: for who has lost everything."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_it_removes_one_persons_and_nobody_elses(capsys):
    for name in ("root", "other"):
        person = a_customer(name, is_staff=True)
        Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
        Authenticator.objects.create(user=person, type="recovery_codes", data={"seed": "x"})

    call_command("reset_second_factor", "ROOT@example.com")

    assert "2 removed" in capsys.readouterr().out
    assert set(Authenticator.objects.values_list("user__email", flat=True)) == {"other@example.com"}


def test_nobody_is_an_error():
    with pytest.raises(CommandError, match="nobody has the address"):
        call_command("reset_second_factor", "who@example.com")
