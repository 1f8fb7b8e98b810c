"""PostgreSQL refuses to change what a gateway said, and what was paid, as it does for grants; nothing is removed."""

from typing import Any

from django.db import migrations

KEEP_SETTLED = """
CREATE FUNCTION billing_keep_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never removed: it expires or fails';
    END IF;
    IF OLD.state = 'settled' AND to_jsonb(NEW) - 'node_id' IS DISTINCT FROM to_jsonb(OLD) - 'node_id' THEN
        RAISE EXCEPTION 'order % is settled: of what was paid nothing changes but its node', OLD.public_id;
    END IF;
    RETURN NEW;
END $$
"""
TRIGGERS = (
    "CREATE TRIGGER billing_purchase_settled BEFORE UPDATE OR DELETE ON billing_purchase "
    "FOR EACH ROW EXECUTE FUNCTION billing_keep_settled()",
    "CREATE TRIGGER billing_gatewaynotice_append_only BEFORE UPDATE OR DELETE ON billing_gatewaynotice "
    "FOR EACH ROW EXECUTE FUNCTION billing_append_only()",
)


def refuse_changes(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(KEEP_SETTLED, params=None)  # None: the text has a % of its own
    for trigger in TRIGGERS:
        schema_editor.execute(trigger)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(refuse_changes, migrations.RunPython.noop)]
