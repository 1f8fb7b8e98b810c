"""Feeds are started again."""

from django.db import transaction
from django.db.models import F

from nodes import announcements
from nodes.models import FeedSetting


@transaction.atomic
def restart_replay(*, setting_id: int) -> FeedSetting:
    """Start a lane's replay from its first row again."""
    FeedSetting.objects.filter(pk=setting_id).update(run=F("run") + 1)
    setting = FeedSetting.objects.get(pk=setting_id)
    announcements.feed_setting(lane=setting.lane)
    return setting
