"""Customers who leave. Of a settled order one more thing may change: where it was placed from may be forgotten."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

APPEND_ONLY = ("billing_departure", "billing_formertrial")
# As in 0002, and: `placed_from`, an address of the network, may become NULL and nothing else.
KEEP_SETTLED = """
CREATE OR REPLACE FUNCTION billing_keep_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never removed: it expires or fails';
    END IF;
    IF OLD.state = 'settled' AND (
        to_jsonb(NEW) - 'node_id' - 'placed_from' IS DISTINCT FROM to_jsonb(OLD) - 'node_id' - 'placed_from'
        OR (NEW.placed_from IS NOT NULL AND NEW.placed_from IS DISTINCT FROM OLD.placed_from)
    ) THEN
        RAISE EXCEPTION 'order % is settled: of what was paid nothing changes but its node', OLD.public_id;
    END IF;
    RETURN NEW;
END $$
"""


def keep(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(KEEP_SETTLED, params=None)  # None: the text has a % of its own
    for table in APPEND_ONLY:
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION billing_append_only()"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_more_money'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FormerTrial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='digest')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'trial of a deleted account',
                'verbose_name_plural': 'trials of deleted accounts',
            },
        ),
        migrations.CreateModel(
            name='Departure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('given_up_fen', models.PositiveBigIntegerField(default=0, verbose_name='balance given up, in fen')),
                ('grants_ended', models.PositiveIntegerField(default=0, verbose_name='grants ended')),
                ('customer', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='departure', to=settings.AUTH_USER_MODEL, verbose_name='customer')),
            ],
            options={
                'verbose_name': 'deleted account',
                'verbose_name_plural': 'deleted accounts',
                'ordering': ['-id'],
            },
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
