"""The outbox in the admin: everything is shown and nothing edited; a kind that nobody knows stands out."""

import pytest
from django.contrib import admin
from django.urls import reverse

from kernel.clock import utc_now
from outbox.models import Outbox
from outbox.services.sending import say
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
OURS = sorted((model for model in admin.site._registry if model._meta.app_label == "outbox"), key=str)


@pytest.fixture
def root(client, carried):
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_every_list_opens_and_nothing_is_added(root, model):
    assert root.get(reverse(f"admin:outbox_{model._meta.model_name}_changelist")).status_code == 200
    assert root.get(reverse(f"admin:outbox_{model._meta.model_name}_add")).status_code == 403


def test_a_row_is_shown_and_neither_changed_nor_removed(root):
    row = say("note", {})

    assert root.get(reverse("admin:outbox_outbox_change", args=[row.pk])).status_code == 200
    assert root.post(reverse("admin:outbox_outbox_change", args=[row.pk]), {"attempts": 9}).status_code == 403
    assert root.post(reverse("admin:outbox_outbox_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_a_kind_that_this_version_does_not_know_stands_out(root):
    Outbox.objects.create(kind="from_tomorrow", payload={}, created_at=utc_now(), due_at=utc_now())

    assert "from_tomorrow (unknown here)" in root.get(reverse("admin:outbox_outbox_changelist")).text
