
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='customer',
            options={'permissions': [('give_roles', 'Can make people staff, and put them into groups')], 'verbose_name': 'customer', 'verbose_name_plural': 'customers'},
        ),
    ]
