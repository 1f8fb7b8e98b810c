"""Staff of the shop, each with what they may do, and a way to press a button."""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Customer
from kernel.clock import utc_now
from tests.factories import a_customer, a_node


def staff(name: str, *rights: str) -> Customer:
    """Somebody who may do these things and no other."""
    person = a_customer(name, is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    assert person.user_permissions.count() == len(rights), rights
    return person


@dataclass
class Desk:
    """A browser of a person of staff."""

    person: Customer
    client: Client

    def page(self, model, row=None):
        """The page of a row, or the list."""
        label = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        return self.client.get(reverse(f"{label}_change", args=[row.pk]) if row else reverse(f"{label}_changelist"))

    def address(self, model, verb, row=None):
        label = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        return reverse(f"{label}_row_verb", args=[row.pk, verb]) if row else reverse(f"{label}_verb", args=[verb])

    def do(self, model, verb, row=None, **form):
        """Open a verb's form and send it."""
        address = self.address(model, verb, row)
        opened = self.client.get(address)
        return self.client.post(address, form) if opened.status_code == 200 else opened


@pytest.fixture
def node(db):
    """A node that was seen just now: the admin asks the clock itself."""
    return a_node(last_seen_at=utc_now())


@pytest.fixture
def desk_of():
    """Sit down as somebody with some rights."""

    def sit(name, *rights):
        person = staff(name, *rights)
        client = Client()
        client.force_login(person)
        return Desk(person, client)

    return sit
