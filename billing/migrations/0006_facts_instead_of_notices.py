"""Every order names its version of a plan; what gateways told is in the facts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_money_so_far")]
    operations = [
        migrations.AlterField(
            model_name="purchase",
            name="plan_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="purchases",
                to="billing.planversion",
                verbose_name="plan version",
            ),
        ),
        migrations.DeleteModel(name="GatewayNotice"),
    ]
