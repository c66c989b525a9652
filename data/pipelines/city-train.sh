#!/bin/bash
# city-train.sh DEFAULT SQL: what the city is learned from, as CSV: the query train.sql of the folder SQL
# to the database $DB, sqlite:PATH or postgresql://…, or where that is not set to DEFAULT.
set -euo pipefail

db=${DB:-$1}
case $db in
sqlite:*)
	[[ -e ${db#sqlite:} ]] || {
		echo "city-train: there is no database '${db#sqlite:}': 'demo' makes its own, DB= names another" >&2
		exit 66
	}
	sqlite3 -readonly -csv -header "${db#sqlite:}" <"$2/sqlite/train.sql"
	;;
postgres://* | postgresql://*)
	command -v psql >/dev/null || {
		echo "city-train: psql is missing, which Debian has as postgresql-client-15" >&2
		exit 69
	}
	psql -qX -v ON_ERROR_STOP=1 --csv -f "$2/postgresql/train.sql" "$db"
	;;
*)
	echo "city-train: DB names no database: sqlite:PATH or postgresql://HOST/NAME" >&2
	exit 64
	;;
esac
