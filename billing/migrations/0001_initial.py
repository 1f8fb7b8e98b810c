"""The shop's tables. PostgreSQL refuses to change or remove a grant or a closure, whoever asks; elsewhere the models do."""

from typing import Any

import accounts.models
import billing.models.catalogue
import django.core.validators
import django.db.models.deletion
import nodes.models
from django.conf import settings
from django.db import migrations, models


APPEND_ONLY = ("billing_grant", "billing_grantclosure")
REFUSE = """
CREATE FUNCTION billing_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a correction is another row', TG_TABLE_NAME;
END $$
"""


def refuse_changes(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(REFUSE, params=None)  # None: the text has a % of its own
    for table in APPEND_ONLY:
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION billing_append_only()"
        )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('nodes', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbols', models.PositiveIntegerField(verbose_name='symbols')),
                ('max_connections', models.PositiveIntegerField(verbose_name='sockets at once')),
                ('markets', models.JSONField(verbose_name='markets')),
                ('levels', models.JSONField(verbose_name='levels')),
                ('types', models.JSONField(verbose_name='types')),
                ('intervals', models.JSONField(verbose_name='intervals')),
                ('starts_at', models.DateTimeField(verbose_name='starts')),
                ('ends_at', models.DateTimeField(verbose_name='ends')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL, verbose_name='customer')),
                ('extends', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='extended_by', to='billing.grant', verbose_name='extends')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='nodes.nodegroup', verbose_name='node group')),
            ],
            options={
                'verbose_name': 'grant',
                'verbose_name_plural': 'grants',
                'ordering': ['starts_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='GrantClosure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('closed_at', models.DateTimeField(verbose_name='closed')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('grant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='closure', to='billing.grant', verbose_name='grant')),
            ],
            options={
                'verbose_name': 'grant closure',
                'verbose_name_plural': 'grant closures',
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=40, unique=True, verbose_name='slug')),
                ('name_en', models.CharField(max_length=60, verbose_name='name in English')),
                ('name_zh', models.CharField(max_length=60, verbose_name='name in Chinese')),
                ('symbols', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)], verbose_name='symbols')),
                ('price_fen', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='price a month, in fen')),
                ('markets', models.JSONField(default=nodes.models.all_markets, validators=[nodes.models.WordList('CN', 'HK')], verbose_name='markets')),
                ('levels', models.JSONField(default=nodes.models.first_level, validators=[nodes.models.WordList('L1', 'L2')], verbose_name='levels')),
                ('types', models.JSONField(default=billing.models.catalogue.all_types, validators=[nodes.models.WordList('kline', 'quote', 'tick', 'depth')], verbose_name='types')),
                ('intervals', models.JSONField(default=billing.models.catalogue.all_intervals, validators=[nodes.models.WordList('1.5s', '1m', '5m', '15m', '30m', '1d', '1w', '1M')], verbose_name='intervals')),
                ('max_connections', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10000)], verbose_name='sockets at once')),
                ('on_sale', models.BooleanField(default=True, verbose_name='on sale')),
            ],
            options={
                'verbose_name': 'plan',
                'verbose_name_plural': 'plans',
                'ordering': ['symbols', 'slug'],
                'constraints': [models.CheckConstraint(condition=models.Q(('symbols__gt', 0)), name='plan_has_symbols'), models.CheckConstraint(condition=models.Q(('price_fen__gt', 0)), name='plan_has_a_price'), models.CheckConstraint(condition=models.Q(('max_connections__gt', 0)), name='plan_has_sockets')],
            },
        ),
        migrations.CreateModel(
            name='Purchase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbols', models.PositiveIntegerField(verbose_name='symbols')),
                ('max_connections', models.PositiveIntegerField(verbose_name='sockets at once')),
                ('markets', models.JSONField(verbose_name='markets')),
                ('levels', models.JSONField(verbose_name='levels')),
                ('types', models.JSONField(verbose_name='types')),
                ('intervals', models.JSONField(verbose_name='intervals')),
                ('public_id', models.CharField(default=accounts.models.new_id, editable=False, max_length=32, unique=True, verbose_name='number')),
                ('idempotency_key', models.CharField(max_length=80, verbose_name='idempotency key')),
                ('body_hash', models.CharField(max_length=64, verbose_name='body hash')),
                ('kind', models.CharField(choices=[('stack', 'More symbols now'), ('extend', 'Same symbols, longer')], max_length=8, verbose_name='kind')),
                ('months', models.PositiveSmallIntegerField(verbose_name='months')),
                ('price_fen', models.PositiveIntegerField(verbose_name='price a month, in fen')),
                ('due_fen', models.PositiveIntegerField(verbose_name='due, in fen')),
                ('currency', models.CharField(default='CNY', max_length=3, verbose_name='currency')),
                ('gateway', models.CharField(max_length=20, verbose_name='gateway')),
                ('state', models.CharField(choices=[('pending', 'waiting for payment'), ('settled', 'paid'), ('expired', 'expired'), ('failed', 'failed')], default='pending', max_length=10, verbose_name='state')),
                ('placed_at', models.DateTimeField(verbose_name='placed')),
                ('price_until_at', models.DateTimeField(verbose_name='price holds until')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('paid_fen', models.PositiveIntegerField(blank=True, null=True, verbose_name='paid, in fen')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to=settings.AUTH_USER_MODEL, verbose_name='customer')),
                ('extends', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='extending_purchases', to='billing.grant', verbose_name='extends')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='nodes.nodegroup', verbose_name='node group')),
                ('node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='nodes.node', verbose_name='node')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='billing.plan', verbose_name='plan')),
            ],
            options={
                'verbose_name': 'purchase',
                'verbose_name_plural': 'purchases',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='grant',
            name='purchase',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='grant', to='billing.purchase', verbose_name='purchase'),
        ),
        migrations.CreateModel(
            name='GatewayNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=20, verbose_name='provider')),
                ('event_id', models.CharField(max_length=80, verbose_name='event')),
                ('order_id', models.CharField(max_length=64, verbose_name='order')),
                ('amount_fen', models.BigIntegerField(verbose_name='amount, in fen')),
                ('currency', models.CharField(max_length=8, verbose_name='currency')),
                ('paid_at', models.DateTimeField(verbose_name='paid')),
                ('received_at', models.DateTimeField(verbose_name='received')),
                ('outcome', models.CharField(choices=[('settled', 'settled'), ('already_settled', 'was already settled'), ('amount_mismatch', 'another amount'), ('unknown_purchase', 'unknown purchase'), ('declined', 'declined')], max_length=20, verbose_name='outcome')),
                ('purchase', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='billing.purchase', verbose_name='purchase')),
            ],
            options={
                'verbose_name': 'gateway notice',
                'verbose_name_plural': 'gateway notices',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('jti', models.CharField(default=accounts.models.new_id, editable=False, max_length=32, unique=True, verbose_name='jti')),
                ('issued_at', models.DateTimeField(verbose_name='issued')),
                ('expires_at', models.DateTimeField(help_text='The latest expiry that was ever signed.', verbose_name='expires')),
                ('works_until_at', models.DateTimeField(blank=True, null=True, verbose_name='works until')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='revoked')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to=settings.AUTH_USER_MODEL, verbose_name='customer')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to='nodes.nodegroup', verbose_name='node group')),
            ],
            options={
                'verbose_name': 'access token',
                'verbose_name_plural': 'access tokens',
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('revoked_at', None), ('works_until_at', None)), fields=('customer', 'group'), name='one_current_token_a_group')],
            },
        ),
        migrations.CreateModel(
            name='EntitlementRev',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rev', models.PositiveBigIntegerField(default=0)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='nodes.nodegroup')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer', 'group'), name='one_rev_a_customer_and_group')],
            },
        ),
        migrations.AddIndex(
            model_name='purchase',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['price_until_at'], name='purchase_due'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.UniqueConstraint(fields=('customer', 'idempotency_key'), name='one_purchase_a_key'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('months__gte', 1), ('months__lte', 12)), name='purchase_months_in_range'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('due_fen__gt', 0), ('price_fen__gt', 0)), name='purchase_costs_something'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('max_connections__gt', 0), ('symbols__gt', 0)), name='purchase_buys_something'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'settled', 'expired', 'failed'])), name='purchase_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paid_fen', models.F('due_fen')), ('settled_at__isnull', False), ('state', 'settled')), models.Q(models.Q(('state', 'settled'), _negated=True), ('paid_fen__isnull', True), ('settled_at__isnull', True)), _connector='OR'), name='purchase_settled_means_paid_in_full'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('extends__isnull', True), ('kind', 'stack')), models.Q(('extends__isnull', False), ('kind', 'extend')), _connector='OR'), name='purchase_extends_a_grant_or_stacks'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('price_until_at__gt', models.F('placed_at'))), name='purchase_price_is_pinned'),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(fields=['customer', 'group', 'ends_at'], name='grant_of_customer'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='grant_period_is_not_empty'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('max_connections__gt', 0), ('symbols__gt', 0)), name='grant_gives_something'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('extends', models.F('id')), _negated=True), name='grant_does_not_extend_itself'),
        ),
        migrations.AddConstraint(
            model_name='gatewaynotice',
            constraint=models.UniqueConstraint(fields=('provider', 'event_id'), name='one_notice_an_event'),
        ),
        migrations.RunPython(refuse_changes, migrations.RunPython.noop),
    ]
