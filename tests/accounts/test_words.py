"""Rights and roles are read in the reader's language; a role that people have made keeps its name."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.utils import translation

from accounts.words import RIGHTS, right_title, role_title


def test_every_right_of_a_model_is_known():
    said = {text for model in apps.get_models() for _code, text in model._meta.permissions}

    assert said - set(RIGHTS) == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "said"), [("view_plan", "套餐与价格 · 查看"), ("ask_refund", "退款 · 提出退款，并撤回尚未决定的退款")]
)
def test_a_right_says_what_it_allows_and_where(code, said):
    with translation.override("zh-hans"):
        assert right_title(Permission.objects.get(codename=code)) == said


def test_a_role_that_came_with_the_program_has_a_word():
    with translation.override("zh-hans"):
        assert role_title(Group(name="finance")) == "财务"
        assert role_title(Group(name="night shift")) == "night shift"
