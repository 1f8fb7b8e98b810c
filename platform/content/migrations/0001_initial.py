
from typing import Any

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


APPEND_ONLY = ("content_textversion", "content_announcement", "content_announcementupdate")


def keep(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in APPEND_ONLY:
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION billing_append_only()"
        )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('billing', '0009_more_money'),  # whose trigger keeps rows
        ('nodes', '0008_proof_of_delivery'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Announcement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('info', 'information'), ('planned', 'planned work'), ('incident', 'incident')], max_length=8, verbose_name='kind')),
                ('title_en', models.CharField(max_length=120, verbose_name='title in English')),
                ('title_zh', models.CharField(max_length=120, verbose_name='title in Chinese')),
                ('market', models.CharField(blank=True, choices=[('CN', 'CN'), ('HK', 'HK')], max_length=8, verbose_name='market')),
                ('starts_at', models.DateTimeField(verbose_name='begins')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='ends')),
                ('at', models.DateTimeField(verbose_name='written')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by')),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='nodes.nodegroup', verbose_name='node group')),
            ],
            options={
                'verbose_name': 'announcement',
                'verbose_name_plural': 'announcements',
                'ordering': ['-id'],
                'permissions': [('announce', 'Can announce to everybody, with mails')],
            },
        ),
        migrations.CreateModel(
            name='AnnouncementUpdate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text_en', models.TextField(max_length=2000, verbose_name='text in English')),
                ('text_zh', models.TextField(max_length=2000, verbose_name='text in Chinese')),
                ('resolves', models.BooleanField(default=False, verbose_name='it is over')),
                ('mailed', models.BooleanField(default=False, verbose_name='with a mail')),
                ('at', models.DateTimeField(verbose_name='written')),
                ('announcement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='updates', to='content.announcement', verbose_name='announcement')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by')),
            ],
            options={
                'verbose_name': 'update of an announcement',
                'verbose_name_plural': 'updates of announcements',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ShopDetails',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('company', models.CharField(blank=True, max_length=120, verbose_name='company')),
                ('address', models.CharField(blank=True, max_length=200, verbose_name='address')),
                ('icp', models.CharField(blank=True, help_text='As it was granted, like 沪ICP备12345678号-1.', max_length=60, verbose_name='ICP number')),
                ('police', models.CharField(blank=True, help_text='Like 沪公网安备 31010102001234号.', max_length=60, verbose_name='public security number')),
                ('mail', models.EmailField(blank=True, max_length=120, verbose_name='contact mail')),
                ('phone', models.CharField(blank=True, max_length=40, validators=[django.core.validators.RegexValidator('^[0-9+() -]{5,40}$', 'Digits, spaces, +, - and brackets.')], verbose_name='contact phone')),
            ],
            options={
                'verbose_name': 'foot of the pages',
                'verbose_name_plural': 'foot of the pages',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='one_row_of_shop_details')],
            },
        ),
        migrations.CreateModel(
            name='TextVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(choices=[('terms', 'Terms of service'), ('privacy', 'Privacy'), ('refunds', 'Refund rules'), ('contact', 'Contact'), ('questions', 'Questions')], max_length=12, verbose_name='page')),
                ('body_en', models.TextField(max_length=60000, verbose_name='text in English')),
                ('body_zh', models.TextField(max_length=60000, verbose_name='text in Chinese')),
                ('checked', models.BooleanField(default=False, verbose_name='checked by the seller')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='what is new')),
                ('at', models.DateTimeField(verbose_name='written')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by')),
            ],
            options={
                'verbose_name': 'page text',
                'verbose_name_plural': 'page texts',
                'ordering': ['-id'],
                'permissions': [('write_text', 'Can write the texts of pages')],
            },
        ),
        migrations.AddConstraint(
            model_name='announcement',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['info', 'planned', 'incident'])), name='announcement_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='announcement',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at', None), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='announcement_ends_after_it_begins'),
        ),
        migrations.AddConstraint(
            model_name='announcementupdate',
            constraint=models.UniqueConstraint(condition=models.Q(('resolves', True)), fields=('announcement',), name='announcement_is_resolved_once'),
        ),
        migrations.AddIndex(
            model_name='textversion',
            index=models.Index(fields=['page', '-id'], name='newest_text_of_page'),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
