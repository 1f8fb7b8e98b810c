"""Beat's tasks do what the services do, and tolerate arguments of another version."""

import pytest

from nodes import tasks
from tests.factories import a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.mark.parametrize("task", [tasks.poll_nodes, tasks.read_reports, tasks.forget_processes, tasks.forget_days])
def test_where_there_is_nothing_to_do_nothing_is_done(task):
    a_group("sh")

    assert task(from_tomorrow=True) == 0
