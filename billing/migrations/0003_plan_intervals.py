"""A plan may name every interval of the wire: 3m, 1h, 2h and 4h too. Plans that had all of them have all of them still.

What was sold is left as it is; its eight words mean all (billing.models.catalogue.restricted_intervals).
"""

from typing import Any

import billing.models.catalogue
import nodes.models
from django.db import migrations, models


BEFORE = ("1.5s", "1m", "5m", "15m", "30m", "1d", "1w", "1M")
AFTER = ("1.5s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1M")


def name_all_again(apps: Any, schema_editor: Any) -> None:
    """Write all intervals where all that there were stand."""
    for plan in apps.get_model("billing", "Plan").objects.all():
        if set(plan.intervals) == set(BEFORE):
            plan.intervals = list(AFTER)
            plan.save(update_fields=["intervals"])


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0002_settled_rows'),
    ]

    operations = [
        migrations.AlterField(
            model_name='plan',
            name='intervals',
            field=models.JSONField(default=billing.models.catalogue.all_intervals, validators=[nodes.models.WordList('1.5s', '1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '1d', '1w', '1M'), billing.models.catalogue.not_formerly_all], verbose_name='intervals'),
        ),
        migrations.RunPython(name_all_again, migrations.RunPython.noop),
    ]
