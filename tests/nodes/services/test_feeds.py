"""A replay that is started again is another run."""

import pytest

from nodes.models import FeedSetting
from nodes.services.feeds import restart_replay
from outbox.models import Outbox

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_starting_again_raises_the_run_and_is_announced():
    setting = FeedSetting.objects.create(lane="HK", feed="replay", data="sets/a")

    assert restart_replay(setting_id=setting.pk).run == 2
    assert restart_replay(setting_id=setting.pk).run == 3
    assert [row.kind for row in Outbox.objects.all()] == ["feed_setting"] * 2
