"""A constraint that a form can violate says what is wrong, in the reader's language; no migration knows the sentence."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.utils import translation

from nodes.models.rules import OnlyOne, Rule

RULE = Rule(told="Write one.", condition=models.Q(id=1), name="one")


def _of_forms():
    """Yield each constraint of what staff write in forms of the admin, except what Django has a sentence for."""
    for model, shown in admin.site._registry.items():
        if model._meta.app_label in ("nodes", "billing", "content") and not hasattr(shown, "verbs"):
            for one in model._meta.constraints:
                by_fields = isinstance(one, models.UniqueConstraint) and one.condition is None
                if shown.has_change_permission.__qualname__ != "ReadOnly.has_change_permission" and not by_fields:
                    yield one


@pytest.mark.parametrize("name", ["licence_has_a_reason", "plan_has_a_price", "one_term_discount_of_every_plan"])
def test_the_constraints_of_forms_are_found(name):
    assert name in [one.name for one in _of_forms()]


def test_each_constraint_of_a_form_has_its_sentence():
    with translation.override("zh-hans"):
        said = {one.name: one.get_violation_error_message() for one in _of_forms()}

    assert {name: text for name, text in said.items() if name in text or not re.search("[\u4e00-\u9fff]", text)} == {}


def test_a_migration_knows_the_condition_alone():
    plain = models.CheckConstraint(condition=models.Q(id=1), name="one")

    assert RULE.deconstruct() == plain.deconstruct()
    assert RULE.clone().told == "Write one."
    assert plain == RULE
    assert OnlyOne(told="-", fields=["id"], name="x").deconstruct()[0] == "django.db.models.UniqueConstraint"
    assert apps.get_model("nodes", "DataLicence")._meta.constraints[0].get_violation_error_message() != ""
