"""What was written stays: versions and updates are rows of their own, and PostgreSQL keeps them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from content.models import Announcement, AnnouncementUpdate, ShopDetails, TextVersion
from content.services import announcing, texts
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_neither_texts_nor_announcements_change(announce, operator):
    row = announce()
    texts.write(page="terms", body_en="A", body_zh="B", checked=True, note="", by=operator, now=NOW)

    for one in (row, row.updates.get(), TextVersion.objects.get()):
        with pytest.raises(TypeError, match="append-only"):
            one.save()
        with pytest.raises(TypeError, match="append-only"):
            one.delete()


@pytest.mark.parametrize("model", [TextVersion, Announcement, AnnouncementUpdate])
def test_the_database_keeps_them_too(announce, operator, model):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no such trigger")
    announce()
    texts.write(page="terms", body_en="A", body_zh="B", checked=True, note="", by=operator, now=NOW)

    for statement in ("UPDATE {} SET at = now()", "DELETE FROM {}"):
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(model._meta.db_table))


def test_an_announcement_is_over_once(announce, operator):
    row = announce()
    announcing.update(announcement=row, text_en="x", text_zh="x", resolves=True, by=operator, now=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        AnnouncementUpdate.objects.create(
            announcement=row, text_en="y", text_zh="y", resolves=True, by=operator, at=NOW + timedelta(hours=1)
        )


def test_there_is_one_foot_of_the_pages():
    ShopDetails.objects.create(company="One")

    with pytest.raises(IntegrityError), transaction.atomic():
        ShopDetails.objects.create(id=2, company="Two")


def test_the_register_of_public_security_is_asked_with_digits():
    assert ShopDetails(police="沪公网安备 31010102001234号").police_code == "31010102001234"
