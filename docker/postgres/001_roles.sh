#!/bin/sh
# The shop's own role: it owns nothing, and may do what `manage.py prepare_database` grants it. Runs once, for a new volume.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$TICKPACK_APP_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE tickpack_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SQL
