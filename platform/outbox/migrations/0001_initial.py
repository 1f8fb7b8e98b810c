from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ReportCheckpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.SlugField(max_length=40, unique=True, verbose_name='node group')),
                ('entry_id', models.CharField(default='0-0', max_length=48, verbose_name='last entry')),
                ('position', models.PositiveBigIntegerField(default=0, verbose_name='entries passed')),
                ('handled', models.PositiveBigIntegerField(default=0, verbose_name='handled')),
                ('skipped', models.PositiveBigIntegerField(default=0, verbose_name='skipped')),
                ('missed', models.PositiveBigIntegerField(default=0, help_text='Trimmed before they were read.', verbose_name='missed')),
                ('lost', models.PositiveIntegerField(default=0, help_text='How often the whole stream was gone.', verbose_name='lost')),
                ('last_skipped', models.CharField(blank=True, max_length=300, verbose_name='last skipped')),
                ('read_at', models.DateTimeField(blank=True, null=True, verbose_name='last read')),
            ],
            options={
                'verbose_name': 'report checkpoint',
                'verbose_name_plural': 'report checkpoints',
                'ordering': ['group'],
            },
        ),
        migrations.CreateModel(
            name='Outbox',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40, verbose_name='kind')),
                ('payload', models.JSONField(verbose_name='payload')),
                ('language', models.CharField(blank=True, max_length=10, verbose_name='language')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('last_error', models.CharField(blank=True, max_length=300, verbose_name='last error')),
                ('delivered_at', models.DateTimeField(blank=True, null=True, verbose_name='delivered')),
            ],
            options={
                'verbose_name': 'outbox message',
                'verbose_name_plural': 'outbox',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('delivered_at', None)), fields=['due_at', 'id'], name='outbox_waiting')],
            },
        ),
    ]
