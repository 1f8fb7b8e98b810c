"""What customers used by the hour; names of groups and regions in Chinese."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def name_this_machine(apps: Any, schema_editor: Any) -> None:
    """What `./dev up` made before has its Chinese name too."""
    for model, word in (("NodeGroup", "name"), ("Node", "region")):
        rows = apps.get_model("nodes", model).objects.filter(**{word: "This machine", f"{word}_zh": ""})
        rows.update(**{f"{word}_zh": "本机"})


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0008_proof_of_delivery"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="nodegroup",
            name="name_zh",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Left blank, it is the other one.",
                max_length=80,
                verbose_name="name in Chinese",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="node",
            name="region_zh",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Left blank, it is the other one.",
                max_length=60,
                verbose_name="region in Chinese",
            ),
            preserve_default=False,
        ),
        migrations.RunPython(name_this_machine, migrations.RunPython.noop),
        migrations.CreateModel(
            name="UsedHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour_at", models.DateTimeField(help_text="When it began.", verbose_name="hour")),
                ("bars", models.JSONField(default=dict, verbose_name="bars sent by symbol")),
                ("sent", models.PositiveBigIntegerField(default=0, verbose_name="sent")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="used_hours",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="customer",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="nodes.nodegroup",
                        verbose_name="group",
                    ),
                ),
            ],
            options={
                "verbose_name": "hour of use",
                "verbose_name_plural": "hours of use",
                "ordering": ["-hour_at"],
                "indexes": [models.Index(fields=["hour_at"], name="used_by_hour")],
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "group", "hour_at"), name="one_row_an_hour_of_use")
                ],
            },
        ),
    ]
