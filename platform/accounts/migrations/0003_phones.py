import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_give_roles'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='SmsDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True, verbose_name='day')),
                ('spent_fen', models.PositiveIntegerField(default=0, verbose_name='spent, fen')),
                ('full_at', models.DateTimeField(blank=True, null=True, verbose_name='cap reached at')),
            ],
            options={
                'verbose_name': 'day of messages to phones',
                'verbose_name_plural': 'days of messages to phones',
            },
        ),
        migrations.CreateModel(
            name='SmsMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=16, verbose_name='number, masked')),
                ('provider', models.CharField(max_length=16, verbose_name='provider')),
                ('purpose', models.CharField(choices=[('login', 'code to log in'), ('phone', 'code to add a number')], max_length=8, verbose_name='purpose')),
                ('outcome', models.CharField(choices=[('unknown', 'nobody knows'), ('sent', 'sent'), ('refused', 'refused by the provider')], default='unknown', max_length=8, verbose_name='outcome')),
                ('provider_code', models.CharField(blank=True, max_length=80, verbose_name="provider's code")),
                ('provider_number', models.CharField(blank=True, max_length=80, verbose_name="provider's number")),
                ('cost_fen', models.PositiveIntegerField(verbose_name='cost, fen')),
                ('sent_at', models.DateTimeField(verbose_name='asked for at')),
            ],
            options={
                'verbose_name': 'message to a phone',
                'verbose_name_plural': 'messages to phones',
                'ordering': ('-sent_at', '-pk'),
            },
        ),
        migrations.AddField(
            model_name='customer',
            name='phone',
            field=models.CharField(blank=True, max_length=14, null=True, unique=True, verbose_name='mobile number'),
        ),
        migrations.AddField(
            model_name='customer',
            name='phone_verified_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='mobile number proved at'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('phone', None), ('phone_verified_at', None)), models.Q(('phone__isnull', False), ('phone__regex', '^\\+861[3-9][0-9]{9}$'), ('phone_verified_at__isnull', False)), _connector='OR'), name='phone_is_a_proved_mainland_number'),
        ),
        migrations.AddField(
            model_name='smsmessage',
            name='customer',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='customer'),
        ),
        migrations.AddIndex(
            model_name='smsmessage',
            index=models.Index(fields=['-sent_at', '-id'], name='accounts_sms_newest'),
        ),
    ]
