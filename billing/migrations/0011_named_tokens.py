"""Several tokens a group, each with a name and perhaps with symbols of its own; when each was used last.

Tokens that were there are the main ones of their groups: nothing of what they open changes.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_leaving")]

    operations = [
        migrations.RemoveConstraint(model_name="accesstoken", name="one_current_token_a_group"),
        migrations.AddField(
            model_name="accesstoken",
            name="name",
            field=models.CharField(blank=True, default="", max_length=40, verbose_name="name"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="accesstoken",
            name="symbols",
            field=models.JSONField(blank=True, default=list, verbose_name="only these symbols"),
        ),
        migrations.AddField(
            model_name="accesstoken",
            name="last_used_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="last used"),
        ),
        migrations.AddConstraint(
            model_name="accesstoken",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None), ("works_until_at", None)),
                fields=("customer", "group", "name"),
                name="one_current_token_a_name",
            ),
        ),
    ]
