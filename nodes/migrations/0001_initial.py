import django.core.validators
import django.db.models.deletion
import nodes.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='FeedSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lane', models.CharField(choices=[('CN', 'CN'), ('HK', 'HK'), ('TEST', 'TEST')], max_length=8, unique=True, verbose_name='market')),
                ('feed', models.CharField(choices=[('simulated', 'simulated'), ('replay', 'replay of recorded files'), ('push', 'what providers push over HTTP'), ('none', 'none')], max_length=12, verbose_name='feed')),
                ('data', models.CharField(blank=True, max_length=300, verbose_name='replay directory')),
                ('speed', models.CharField(default='1', max_length=8, validators=[django.core.validators.RegexValidator('^(max|[0-9]{1,5}(\\.[0-9]{1,2})?)$', 'A number, or max.')], verbose_name='replay speed')),
                ('seed', models.PositiveIntegerField(default=7, verbose_name='simulation seed')),
                ('run', models.PositiveIntegerField(default=1, verbose_name='run')),
            ],
            options={
                'verbose_name': 'feed setting',
                'verbose_name_plural': 'feed settings',
                'ordering': ['lane'],
            },
        ),
        migrations.CreateModel(
            name='NodeGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=40, unique=True, verbose_name='slug')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('transport', models.CharField(choices=[('redis', 'directly')], default='redis', max_length=10, verbose_name='how it is reached')),
                ('address', models.CharField(blank=True, help_text='Like redis://:password@host:6379/0; left blank, it is the one that the panel itself uses.', max_length=300, validators=[django.core.validators.RegexValidator('^(rediss?|unix)://\\S+$', 'Write it like redis://:password@host:6379/0')], verbose_name='Redis of the group')),
            ],
            options={
                'verbose_name': 'node group',
                'verbose_name_plural': 'node groups',
                'ordering': ['slug'],
            },
        ),
        migrations.CreateModel(
            name='CalendarOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lane', models.CharField(choices=[('CN', 'CN'), ('HK', 'HK')], max_length=8, verbose_name='market')),
                ('day_on', models.DateField(verbose_name='day')),
                ('kind', models.CharField(choices=[('closed', 'closed'), ('full', 'full day'), ('half', 'half day')], max_length=8, verbose_name='kind')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
            ],
            options={
                'verbose_name': 'calendar override',
                'verbose_name_plural': 'calendar overrides',
                'ordering': ['-day_on', 'lane'],
                'constraints': [models.UniqueConstraint(fields=('lane', 'day_on'), name='one_override_a_day')],
            },
        ),
        migrations.CreateModel(
            name='Node',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(help_text='What the node calls itself: NODE_ID.', max_length=40, unique=True, verbose_name='slug')),
                ('region', models.CharField(max_length=60, verbose_name='region')),
                ('ws_url', models.CharField(max_length=200, validators=[django.core.validators.RegexValidator('^wss?://[^\\s/?#@]+/[^\\s?#]*$', 'Write it like wss://node.example:8443/ws/stock')], verbose_name='WebSocket URL')),
                ('health_url', models.CharField(help_text='What the poller asks; may be an address inside the deployment.', max_length=200, validators=[django.core.validators.RegexValidator('^https?://[^\\s/?#@]+/[^\\s#]*$', 'Write it like https://node.example/healthz')], verbose_name='health URL')),
                ('markets', models.JSONField(default=nodes.models.all_markets, validators=[nodes.models.WordList('CN', 'HK')], verbose_name='markets')),
                ('levels', models.JSONField(default=nodes.models.first_level, validators=[nodes.models.WordList('L1', 'L2')], verbose_name='levels')),
                ('realtime', models.BooleanField(default=True, verbose_name='real-time stock data')),
                ('token_kind', models.CharField(choices=[('tickpack', 'Tickpack (EdDSA)'), ('rt_receiver', 'rt-receiver (RS256, nested scope)')], default='tickpack', help_text='One rt-receiver in a group makes all of its tokens of that kind; our own nodes take both.', max_length=12, verbose_name='tokens')),
                ('capacity', models.PositiveIntegerField(default=1000, help_text='Sockets that may be sold.', verbose_name='capacity')),
                ('state', models.CharField(choices=[('active', 'active'), ('draining', 'draining'), ('retired', 'retired')], default='active', max_length=10, verbose_name='state')),
                ('last_seen_at', models.DateTimeField(blank=True, null=True, verbose_name='last seen')),
                ('last_error', models.CharField(blank=True, max_length=200, verbose_name='last error')),
                ('connections', models.PositiveIntegerField(default=0, verbose_name='connections')),
                ('reports_realtime', models.BooleanField(default=True, verbose_name='reports real-time data')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='nodes', to='nodes.nodegroup', verbose_name='group')),
            ],
            options={
                'verbose_name': 'node',
                'verbose_name_plural': 'nodes',
                'ordering': ['group__slug', 'slug'],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['active', 'draining', 'retired'])), name='node_state_is_known')],
            },
        ),
        migrations.CreateModel(
            name='ProcessHealth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('process', models.CharField(max_length=100, verbose_name='process')),
                ('node', models.CharField(max_length=100, verbose_name='node')),
                ('role', models.CharField(max_length=10, verbose_name='role')),
                ('version', models.CharField(max_length=40, verbose_name='version')),
                ('clock_offset_ms', models.BigIntegerField(verbose_name='clock ahead, in ms')),
                ('sockets', models.PositiveIntegerField(verbose_name='sockets')),
                ('lag_ms', models.JSONField(verbose_name='lag, in ms')),
                ('markets', models.JSONField(verbose_name='markets')),
                ('rss_bytes', models.PositiveBigIntegerField(verbose_name='memory, in bytes')),
                ('reported_at', models.DateTimeField(verbose_name='reported')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='processes', to='nodes.nodegroup', verbose_name='group')),
            ],
            options={
                'verbose_name': 'process',
                'verbose_name_plural': 'processes',
                'ordering': ['group__slug', 'node', 'role', 'process'],
                'constraints': [models.UniqueConstraint(fields=('group', 'process'), name='one_row_a_process')],
            },
        ),
    ]
