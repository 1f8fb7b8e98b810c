"""What the shop's role may do in PostgreSQL: read and write rows. The tables are their owner's, who migrates.

With the owner's role the shop could disable a trigger, empty a table or drop it; append-only would be a courtesy.
"""

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from billing.models import AppendOnly

_WRITTEN_ONCE = "SELECT, INSERT"
_ROWS = "SELECT, INSERT, UPDATE, DELETE"


def grant_application(role: str) -> None:
    """Give a role what the shop needs, and take what it does not; run by the tables' owner, after migrating.

    Rows that are written once it may add and read, all others also change and remove; it makes, empties and drops
    nothing.

    Raises:
        ProgrammingError: there is no such role, or we do not own the tables.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    name = connection.ops.quote_name(role)
    once = {model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}, PUBLIC")
        cursor.execute(f"REVOKE CREATE ON SCHEMA public FROM {name}, PUBLIC")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}")
        for table in connection.introspection.table_names(cursor):
            rights = "SELECT" if table == "django_migrations" else _WRITTEN_ONCE if table in once else _ROWS
            cursor.execute(f"GRANT {rights} ON {connection.ops.quote_name(table)} TO {name}")
