#!/bin/sh
# Prepares the database where it is told to (one container of a deployment, the tables' owner: MIGRATE=1), then becomes
# the command.
set -eu
if [ "${MIGRATE:-0}" = "1" ]; then
    python manage.py prepare_database
    python manage.py seed_plans
    python manage.py token_keys create 2>/dev/null || true   # a key that is there already stays
fi
exec "$@"
