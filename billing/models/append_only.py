"""Rows that are written once: what was paid and what it gave."""

from typing import Any

from django.db import models


class AppendOnly(models.Model):
    """A row that is written once. The database refuses the rest by a trigger where it can (PostgreSQL)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} is append-only: a correction is another row")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} is append-only: a correction is another row")
