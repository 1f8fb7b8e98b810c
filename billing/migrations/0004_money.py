"""Attempts to pay, facts, suspense, refunds, disputes, versions of plans, and a ledger that PostgreSQL keeps balanced.

The ledger's rules: an entry has two lines or more that sum to zero, checked at the commit; nothing is added to it
later; entries and lines are neither changed nor removed; an account that may not go below zero does not.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


APPEND_ONLY = (
    "billing_paymentfact",
    "billing_purchaseevent",
    "billing_ledgerentry",
    "billing_ledgerline",
    "billing_reconciliation",
    "billing_compensation",
)
LEDGER = """
ALTER TABLE billing_ledgerentry ADD COLUMN xact xid8 NOT NULL DEFAULT pg_current_xact_id();

CREATE FUNCTION billing_ledger_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry bigint;
    lines int;
    total bigint;
BEGIN
    entry := CASE TG_TABLE_NAME WHEN 'billing_ledgerline' THEN (to_jsonb(NEW)->>'entry_id')::bigint
                                ELSE (to_jsonb(NEW)->>'id')::bigint END;
    SELECT count(*), coalesce(sum(amount_fen), 0) INTO lines, total FROM billing_ledgerline WHERE entry_id = entry;
    IF lines < 2 OR total <> 0 THEN
        RAISE EXCEPTION 'ledger entry % has % lines that sum to %', entry, lines, total USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER billing_ledgerline_balanced AFTER INSERT ON billing_ledgerline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_sums();
-- On entries too: one without any line would pass unseen.
CREATE CONSTRAINT TRIGGER billing_ledgerentry_has_lines AFTER INSERT ON billing_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_sums();

CREATE FUNCTION billing_ledger_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    balance bigint;
    below boolean;
BEGIN
    -- Not by xmin: a savepoint has another one than the transaction that it is in.
    IF (SELECT xact FROM billing_ledgerentry WHERE id = NEW.entry_id) IS DISTINCT FROM pg_current_xact_id() THEN
        RAISE EXCEPTION 'ledger entry % was posted in another transaction', NEW.entry_id USING ERRCODE = '23514';
    END IF;
    SELECT may_go_below_zero INTO below FROM billing_ledgeraccount WHERE id = NEW.account_id;
    IF below THEN
        RETURN NULL;
    END IF;
    UPDATE billing_ledgerbalance SET balance_fen = balance_fen + NEW.amount_fen * account.normal
        FROM billing_ledgeraccount account
        WHERE account.id = NEW.account_id AND billing_ledgerbalance.account_id = NEW.account_id
        RETURNING balance_fen INTO balance;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger account % has no balance row', NEW.account_id USING ERRCODE = '23514';
    END IF;
    IF balance < 0 THEN
        RAISE EXCEPTION 'ledger account % would fall to % fen', NEW.account_id, balance USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER billing_ledgerline_applied AFTER INSERT ON billing_ledgerline
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_apply();
CREATE TRIGGER billing_ledgerentry_kept BEFORE TRUNCATE ON billing_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION billing_append_only();
CREATE TRIGGER billing_ledgerline_kept BEFORE TRUNCATE ON billing_ledgerline
    FOR EACH STATEMENT EXECUTE FUNCTION billing_append_only();
"""
# What was sold before there were versions gets the one that it was sold in; nothing else of it changes.
KEEP_SETTLED = """
CREATE OR REPLACE FUNCTION billing_keep_settled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := CASE WHEN OLD.plan_version_id IS NULL THEN '{node_id,plan_version_id}'::text[] ELSE '{node_id}' END;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never removed: it expires or fails';
    END IF;
    IF OLD.state = 'settled' AND to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'order % is settled: of what was paid nothing changes but its node', OLD.public_id;
    END IF;
    RETURN NEW;
END $$;
"""


def keep(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(KEEP_SETTLED, params=None)  # None: the text has a % of its own
    schema_editor.execute(LEDGER, params=None)
    for table in APPEND_ONLY:
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION billing_append_only()"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0003_plan_intervals'),
        ('nodes', '0007_instruments'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BankTransfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=80, verbose_name="the bank's reference")),
                ('amount_fen', models.PositiveIntegerField(verbose_name='amount, in fen')),
                ('came_at', models.DateTimeField(verbose_name='came')),
                ('state', models.CharField(choices=[('asked', 'waits for a second person'), ('confirmed', 'confirmed'), ('withdrawn', 'withdrawn')], default='asked', max_length=10, verbose_name='state')),
                ('asked_at', models.DateTimeField(verbose_name='asked')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
            ],
            options={
                'verbose_name': 'bank transfer',
                'verbose_name_plural': 'bank transfers',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Compensation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='The same key gives once.', max_length=80, unique=True, verbose_name='key')),
                ('hours', models.PositiveSmallIntegerField(verbose_name='hours')),
                ('market', models.CharField(blank=True, max_length=8, verbose_name='market')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'compensation',
                'verbose_name_plural': 'compensations',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=20, verbose_name='provider')),
                ('dispute_id', models.CharField(max_length=255, verbose_name='dispute')),
                ('amount_fen', models.PositiveIntegerField(verbose_name='amount, in fen')),
                ('state', models.CharField(choices=[('open', 'open'), ('won', 'won'), ('lost', 'lost')], default='open', max_length=6, verbose_name='state')),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
            ],
            options={
                'verbose_name': 'dispute',
                'verbose_name_plural': 'disputes',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='GrantFreeze',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('frozen_at', models.DateTimeField(verbose_name='frozen')),
                ('lifted_at', models.DateTimeField(blank=True, null=True, verbose_name='lifted')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
            ],
            options={
                'verbose_name': 'freeze',
                'verbose_name_plural': 'freezes',
            },
        ),
        migrations.CreateModel(
            name='LedgerAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=80, unique=True, verbose_name='account')),
                ('normal', models.SmallIntegerField(help_text='1: debit (assets, cost); -1: credit.', verbose_name='normal side')),
                ('may_go_below_zero', models.BooleanField(default=True, verbose_name='may go below zero')),
            ],
            options={
                'verbose_name': 'ledger account',
                'verbose_name_plural': 'ledger accounts',
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=30, verbose_name='kind')),
                ('source', models.CharField(max_length=300, verbose_name='source')),
                ('posted_at', models.DateTimeField(verbose_name='posted')),
            ],
            options={
                'verbose_name': 'ledger entry',
                'verbose_name_plural': 'ledger entries',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='LedgerLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount_fen', models.BigIntegerField(verbose_name='amount, in fen')),
            ],
            options={
                'verbose_name': 'ledger line',
                'verbose_name_plural': 'ledger lines',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='PaymentAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gateway', models.CharField(max_length=20, verbose_name='gateway')),
                ('method', models.CharField(max_length=10, verbose_name='method')),
                ('order_no', models.CharField(max_length=32, unique=True, verbose_name='order number')),
                ('due_fen', models.PositiveIntegerField(verbose_name='due, in fen')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('state', models.CharField(choices=[('open', 'open'), ('paid', 'paid'), ('declined', 'declined'), ('closed', 'closed')], default='open', max_length=8, verbose_name='state')),
                ('shown', models.JSONField(blank=True, null=True, verbose_name='shown to the buyer')),
                ('kept', models.CharField(blank=True, max_length=255, verbose_name='number at the gateway')),
                ('asks', models.PositiveSmallIntegerField(default=0, verbose_name='times asked')),
                ('asked_at', models.DateTimeField(blank=True, null=True, verbose_name='last asked')),
                ('next_ask_at', models.DateTimeField(blank=True, null=True, verbose_name='asked next')),
            ],
            options={
                'verbose_name': 'payment attempt',
                'verbose_name_plural': 'payment attempts',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='PaymentFact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=20, verbose_name='provider')),
                ('kind', models.CharField(max_length=20, verbose_name='kind')),
                ('reference', models.CharField(max_length=255, verbose_name='reference')),
                ('transaction_id', models.CharField(blank=True, max_length=255, verbose_name='transaction')),
                ('order_no', models.CharField(blank=True, max_length=64, verbose_name='order number')),
                ('refund_no', models.CharField(blank=True, max_length=64, verbose_name='refund number')),
                ('event_id', models.CharField(blank=True, max_length=255, verbose_name='event')),
                ('amount_fen', models.BigIntegerField(verbose_name='amount, in fen')),
                ('currency', models.CharField(max_length=8, verbose_name='currency')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('received_at', models.DateTimeField(verbose_name='received')),
                ('source', models.CharField(choices=[('notice', 'notice'), ('query', 'query'), ('bill', 'bill'), ('person', 'a person')], max_length=8, verbose_name='source')),
                ('outcome', models.CharField(choices=[('settled', 'settled'), ('suspense', 'in suspense'), ('noted', 'noted')], max_length=10, verbose_name='outcome')),
            ],
            options={
                'verbose_name': 'payment fact',
                'verbose_name_plural': 'payment facts',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='PlanVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbols', models.PositiveIntegerField(verbose_name='symbols')),
                ('max_connections', models.PositiveIntegerField(verbose_name='sockets at once')),
                ('markets', models.JSONField(verbose_name='markets')),
                ('levels', models.JSONField(verbose_name='levels')),
                ('types', models.JSONField(verbose_name='types')),
                ('intervals', models.JSONField(verbose_name='intervals')),
                ('number', models.PositiveIntegerField(verbose_name='version')),
                ('price_fen', models.PositiveIntegerField(verbose_name='price a month, in fen')),
                ('since_at', models.DateTimeField(verbose_name='since')),
                ('renewable_until_at', models.DateTimeField(blank=True, help_text='Whoever bought these terms can extend them until then; empty: as long as they like.', null=True, verbose_name='renewable until')),
            ],
            options={
                'verbose_name': 'plan version',
                'verbose_name_plural': 'plan versions',
                'ordering': ['plan', '-number'],
            },
        ),
        migrations.CreateModel(
            name='PurchaseEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('from_state', models.CharField(blank=True, max_length=10, verbose_name='from')),
                ('to_state', models.CharField(max_length=10, verbose_name='to')),
                ('why', models.CharField(blank=True, max_length=200, verbose_name='why')),
            ],
            options={
                'verbose_name': 'purchase event',
                'verbose_name_plural': 'purchase events',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Reconciliation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(blank=True, max_length=20, verbose_name='provider')),
                ('day', models.DateField(verbose_name='day')),
                ('digest', models.CharField(max_length=64, verbose_name='file')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('matched', models.PositiveIntegerField(default=0, verbose_name='matched')),
                ('differences', models.JSONField(default=list, verbose_name='differences')),
            ],
            options={
                'verbose_name': 'reconciliation',
                'verbose_name_plural': 'reconciliations',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('refund_no', models.CharField(max_length=32, unique=True, verbose_name='refund number')),
                ('amount_fen', models.PositiveIntegerField(verbose_name='amount, in fen')),
                ('currency', models.CharField(max_length=8, verbose_name='currency')),
                ('fault', models.CharField(choices=[('buyer', "the buyer's wish"), ('seller', "the shop's fault"), ('rule', 'by rule'), ('console', 'made at the gateway')], max_length=8, verbose_name='fault')),
                ('effect', models.CharField(choices=[('keep', 'the buyer keeps everything'), ('shorten', 'ends earlier'), ('close', 'ends at once')], default='keep', max_length=8, verbose_name='effect')),
                ('shorten_to_at', models.DateTimeField(blank=True, null=True, verbose_name='ends then')),
                ('with_extensions', models.BooleanField(default=False, verbose_name='with what extends it')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('state', models.CharField(choices=[('asked', 'waits for a second person'), ('withdrawn', 'withdrawn'), ('decided', 'decided'), ('sent', 'sent to the gateway'), ('done', 'paid back'), ('failed', 'failed')], default='asked', max_length=10, verbose_name='state')),
                ('asked_at', models.DateTimeField(verbose_name='asked')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('done_at', models.DateTimeField(blank=True, null=True, verbose_name='paid back')),
                ('refund_id', models.CharField(blank=True, max_length=255, verbose_name='number at the gateway')),
                ('by_hand', models.CharField(blank=True, help_text="The bank's reference.", max_length=80, verbose_name='transferred by hand')),
                ('why', models.CharField(blank=True, max_length=200, verbose_name='what the gateway said')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                ('next_try_at', models.DateTimeField(blank=True, null=True, verbose_name='tried next')),
            ],
            options={
                'verbose_name': 'refund',
                'verbose_name_plural': 'refunds',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Suspense',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('second_payment', 'paid a second time'), ('wrong_amount', 'another amount than was due'), ('wrong_currency', 'another currency'), ('unknown_order', 'nobody knows the order'), ('cancelled', 'the order was cancelled before'), ('no_room', 'paid late, and the node is full')], max_length=16, verbose_name='reason')),
                ('state', models.CharField(choices=[('open', 'waits for a decision'), ('refunding', 'is paid back'), ('refunded', 'was paid back'), ('used', 'was used for an order')], default='open', max_length=10, verbose_name='state')),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('why', models.CharField(blank=True, max_length=200, verbose_name='why')),
            ],
            options={
                'verbose_name': 'money in suspense',
                'verbose_name_plural': 'money in suspense',
                'ordering': ['-id'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='purchase',
            name='purchase_months_in_range',
        ),
        migrations.RemoveConstraint(
            model_name='purchase',
            name='purchase_costs_something',
        ),
        migrations.RemoveConstraint(
            model_name='purchase',
            name='purchase_state_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='purchase',
            name='purchase_extends_a_grant_or_stacks',
        ),
        migrations.AddField(
            model_name='purchase',
            name='placed_from',
            field=models.GenericIPAddressField(blank=True, null=True, verbose_name='placed from'),
        ),
        migrations.AlterField(
            model_name='purchase',
            name='gateway',
            field=models.CharField(blank=True, max_length=20, verbose_name='gateway'),
        ),
        migrations.AlterField(
            model_name='purchase',
            name='kind',
            field=models.CharField(choices=[('stack', 'More symbols now'), ('extend', 'Same symbols, longer'), ('comp', 'Given by the shop')], max_length=8, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='purchase',
            name='state',
            field=models.CharField(choices=[('pending', 'waiting for payment'), ('settled', 'paid'), ('expired', 'expired'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='pending', max_length=10, verbose_name='state'),
        ),
        migrations.AddField(
            model_name='banktransfer',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by'),
        ),
        migrations.AddField(
            model_name='banktransfer',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='compensation',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by'),
        ),
        migrations.AddField(
            model_name='compensation',
            name='group',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='nodes.nodegroup', verbose_name='node group'),
        ),
        migrations.AddField(
            model_name='compensation',
            name='node',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='nodes.node', verbose_name='node'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='purchase',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='billing.purchase', verbose_name='purchase'),
        ),
        migrations.AddField(
            model_name='grantfreeze',
            name='grant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='freezes', to='billing.grant', verbose_name='grant'),
        ),
        migrations.CreateModel(
            name='LedgerBalance',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='balance', serialize=False, to='billing.ledgeraccount')),
                ('balance_fen', models.BigIntegerField(default=0, verbose_name='balance, in fen')),
            ],
            options={
                'verbose_name': 'balance',
                'verbose_name_plural': 'balances',
            },
        ),
        migrations.AddConstraint(
            model_name='ledgeraccount',
            constraint=models.CheckConstraint(condition=models.Q(('normal__in', [1, -1])), name='ledger_account_has_a_side'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.UniqueConstraint(fields=('kind', 'source'), name='one_ledger_entry_a_source'),
        ),
        migrations.AddField(
            model_name='ledgerline',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='billing.ledgeraccount', verbose_name='account'),
        ),
        migrations.AddField(
            model_name='ledgerline',
            name='entry',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='billing.ledgerentry', verbose_name='entry'),
        ),
        migrations.AddField(
            model_name='paymentattempt',
            name='purchase',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='billing.purchase', verbose_name='purchase'),
        ),
        migrations.AddField(
            model_name='banktransfer',
            name='attempt',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='transfers', to='billing.paymentattempt', verbose_name='payment attempt'),
        ),
        migrations.AddField(
            model_name='paymentfact',
            name='attempt',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='facts', to='billing.paymentattempt', verbose_name='payment attempt'),
        ),
        migrations.AddField(
            model_name='paymentfact',
            name='purchase',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='facts', to='billing.purchase', verbose_name='purchase'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='payment',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='billing.paymentfact', verbose_name='payment'),
        ),
        migrations.AddField(
            model_name='planversion',
            name='plan',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='billing.plan', verbose_name='plan'),
        ),
        migrations.AddField(
            model_name='purchase',
            name='plan_version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='billing.planversion', verbose_name='plan version'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('months__gte', 1), ('months__lte', 12)), models.Q(('kind', 'comp'), ('months', 0)), _connector='OR'), name='purchase_months_in_range'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('kind', 'comp'), _negated=True), ('due_fen__gt', 0), ('price_fen__gt', 0)), models.Q(('due_fen', 0), ('kind', 'comp'), ('price_fen', 0)), _connector='OR'), name='purchase_costs_something_or_was_given'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'settled', 'expired', 'failed', 'cancelled'])), name='purchase_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('extends__isnull', True), ('kind', 'stack')), models.Q(('extends__isnull', False), ('kind', 'extend')), ('kind', 'comp'), _connector='OR'), name='purchase_extends_a_grant_or_stacks'),
        ),
        migrations.AddField(
            model_name='purchaseevent',
            name='by',
            field=models.ForeignKey(blank=True, help_text='Empty: the shop itself, or a payment gateway.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by'),
        ),
        migrations.AddField(
            model_name='purchaseevent',
            name='purchase',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='billing.purchase', verbose_name='purchase'),
        ),
        migrations.AddField(
            model_name='refund',
            name='asked_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by'),
        ),
        migrations.AddField(
            model_name='refund',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='refund',
            name='payment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='billing.paymentfact', verbose_name='payment'),
        ),
        migrations.AddField(
            model_name='refund',
            name='purchase',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='billing.purchase', verbose_name='purchase'),
        ),
        migrations.AddField(
            model_name='suspense',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='suspense',
            name='fact',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='suspense', to='billing.paymentfact', verbose_name='payment fact'),
        ),
        migrations.AddField(
            model_name='suspense',
            name='used_for',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='paid_from', to='billing.purchase', verbose_name='used for'),
        ),
        migrations.AddConstraint(
            model_name='compensation',
            constraint=models.CheckConstraint(condition=models.Q(('hours__gt', 0)), name='compensation_gives_time'),
        ),
        migrations.AddConstraint(
            model_name='grantfreeze',
            constraint=models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('grant',), name='one_freeze_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='ledgerline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen', 0), _negated=True), ('amount_fen__gt', -1000000000000), ('amount_fen__lt', 1000000000000)), name='ledger_line_moves_something'),
        ),
        migrations.AddIndex(
            model_name='paymentattempt',
            index=models.Index(condition=models.Q(('next_ask_at__isnull', False)), fields=['next_ask_at'], name='attempt_to_ask'),
        ),
        migrations.AddConstraint(
            model_name='paymentattempt',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'paid', 'declined', 'closed'])), name='attempt_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='paymentattempt',
            constraint=models.CheckConstraint(condition=models.Q(('due_fen__gt', 0)), name='attempt_is_for_something'),
        ),
        migrations.AddConstraint(
            model_name='banktransfer',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'withdrawn'), _negated=True), fields=('reference',), name='one_bank_transfer_a_reference'),
        ),
        migrations.AddConstraint(
            model_name='banktransfer',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0)), name='bank_transfer_brings_something'),
        ),
        migrations.AddIndex(
            model_name='paymentfact',
            index=models.Index(fields=['provider', 'transaction_id'], name='fact_of_transaction'),
        ),
        migrations.AddConstraint(
            model_name='paymentfact',
            constraint=models.UniqueConstraint(fields=('provider', 'kind', 'reference'), name='one_payment_fact'),
        ),
        migrations.AddConstraint(
            model_name='paymentfact',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gte', 0)), name='fact_amount_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(fields=('provider', 'dispute_id'), name='one_dispute'),
        ),
        migrations.AddConstraint(
            model_name='planversion',
            constraint=models.UniqueConstraint(fields=('plan', 'number'), name='one_plan_version_a_number'),
        ),
        migrations.AddConstraint(
            model_name='planversion',
            constraint=models.CheckConstraint(condition=models.Q(('price_fen__gt', 0), ('symbols__gt', 0)), name='plan_version_sells_something'),
        ),
        migrations.AddConstraint(
            model_name='purchaseevent',
            constraint=models.UniqueConstraint(fields=('purchase', 'to_state'), name='one_purchase_event_a_state'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(condition=models.Q(('next_try_at__isnull', False)), fields=['next_try_at'], name='refund_to_try'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0)), name='refund_pays_something_back'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['asked', 'withdrawn', 'decided', 'sent', 'done', 'failed'])), name='refund_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('effect', 'shorten'), ('shorten_to_at__isnull', False)), models.Q(models.Q(('effect', 'shorten'), _negated=True), ('shorten_to_at__isnull', True)), _connector='OR'), name='refund_shortens_to_an_instant'),
        ),
        migrations.AddIndex(
            model_name='suspense',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['opened_at'], name='suspense_open'),
        ),
        migrations.AddConstraint(
            model_name='suspense',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'refunding', 'refunded', 'used'])), name='suspense_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='suspense',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'used'), ('used_for__isnull', False)), models.Q(models.Q(('state', 'used'), _negated=True), ('used_for__isnull', True)), _connector='OR'), name='suspense_used_for_a_purchase'),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
