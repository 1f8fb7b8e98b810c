"""Constraints that say in a form what is wrong. The words are the program's: a migration knows the condition alone."""

from typing import Any

from django.db import models


class _Said:
    """Takes `told`: the sentence for who has filled in a form."""

    def __init__(self, *, told: Any, **more: Any) -> None:
        super().__init__(**more)
        self.told = told

    def get_violation_error_message(self) -> str:
        """Return what stands in the form."""
        return str(self.told)

    def deconstruct(self) -> Any:
        """Return the constraint as migrations know it."""
        _path, args, kwargs = super().deconstruct()  # type: ignore[misc]  # the constraint's own, beside this class
        return self.known_as, args, kwargs  # type: ignore[attr-defined]  # of each below

    def clone(self) -> Any:
        """Return a copy, with its sentence."""
        _path, _args, kwargs = self.deconstruct()
        return type(self)(told=self.told, **kwargs)


class Rule(_Said, models.CheckConstraint):
    """A condition that each row fulfils."""

    known_as = "django.db.models.CheckConstraint"


class OnlyOne(_Said, models.UniqueConstraint):
    """A condition that one row alone fulfils; one of fields alone needs no sentence: Django has it."""

    known_as = "django.db.models.UniqueConstraint"
