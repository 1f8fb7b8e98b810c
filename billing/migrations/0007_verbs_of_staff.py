from datetime import timedelta
from typing import Any

from django.db import migrations
from django.db.models import Max


def cover_what_was_bought(apps: Any, schema_editor: Any) -> None:
    """Tokens were extended when they were shown; now they are when something is bought, and what was is made up for."""
    tokens = apps.get_model("billing", "AccessToken").objects.filter(works_until_at=None, revoked_at=None)
    grants = apps.get_model("billing", "Grant").objects
    for token in tokens.iterator(chunk_size=500):
        theirs = grants.filter(customer_id=token.customer_id, group_id=token.group_id)
        end = theirs.aggregate(end=Max("ends_at"))["end"]
        if end is not None and end + timedelta(days=400) > token.expires_at:
            tokens.filter(pk=token.pk).update(expires_at=end + timedelta(days=400))


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0006_facts_instead_of_notices'),
    ]

    operations = [
        migrations.RunPython(cover_what_was_bought, migrations.RunPython.noop),
        migrations.AlterModelOptions(
            name='accesstoken',
            options={'ordering': ['-id'], 'permissions': [('revoke_token', "Can revoke customers' tokens")], 'verbose_name': 'access token', 'verbose_name_plural': 'access tokens'},
        ),
        migrations.AlterModelOptions(
            name='banktransfer',
            options={'ordering': ['-id'], 'permissions': [('note_transfer', 'Can note bank transfers, and withdraw what nobody has confirmed'), ('confirm_transfer', 'Can confirm bank transfers')], 'verbose_name': 'bank transfer', 'verbose_name_plural': 'bank transfers'},
        ),
        migrations.AlterModelOptions(
            name='compensation',
            options={'ordering': ['-id'], 'permissions': [('compensate', 'Can give everybody time after an outage')], 'verbose_name': 'compensation', 'verbose_name_plural': 'compensations'},
        ),
        migrations.AlterModelOptions(
            name='grant',
            options={'ordering': ['starts_at', 'id'], 'permissions': [('give_comp', 'Can give grants for nothing'), ('close_grant', 'Can end grants early')], 'verbose_name': 'grant', 'verbose_name_plural': 'grants'},
        ),
        migrations.AlterModelOptions(
            name='ledgerentry',
            options={'ordering': ['-id'], 'permissions': [('export_ledger', 'Can take away ledger lines and payment facts')], 'verbose_name': 'ledger entry', 'verbose_name_plural': 'ledger entries'},
        ),
        migrations.AlterModelOptions(
            name='purchase',
            options={'ordering': ['-id'], 'permissions': [('cancel_purchase', 'Can cancel orders that wait for payment'), ('view_revenue', 'Can view revenue')], 'verbose_name': 'purchase', 'verbose_name_plural': 'purchases'},
        ),
        migrations.AlterModelOptions(
            name='reconciliation',
            options={'ordering': ['-id'], 'permissions': [('check_books', 'Can look over the books and read bills')], 'verbose_name': 'reconciliation', 'verbose_name_plural': 'reconciliations'},
        ),
        migrations.AlterModelOptions(
            name='refund',
            options={'ordering': ['-id'], 'permissions': [('ask_refund', 'Can ask for refunds, and withdraw what nobody has decided'), ('decide_refund', 'Can decide on refunds, and send a failed one again'), ('pay_refund_by_hand', 'Can note that a refund was transferred by hand')], 'verbose_name': 'refund', 'verbose_name_plural': 'refunds'},
        ),
        migrations.AlterModelOptions(
            name='suspense',
            options={'ordering': ['-id'], 'permissions': [('decide_suspense', 'Can pay money in suspense back, or use it for an order')], 'verbose_name': 'money in suspense', 'verbose_name_plural': 'money in suspense'},
        ),
    ]
