#!/bin/bash
# city-train.sh DB SQL: what the city is learned from, as CSV: the query train.sql of the folder SQL to
# the database, sqlite:PATH or postgresql://…
set -euo pipefail

case $1 in
sqlite:*)
	[[ -e ${1#sqlite:} ]] || {
		echo "city-train: there is no database '${1#sqlite:}' yet" >&2
		exit 66
	}
	sqlite3 -readonly -csv -header "${1#sqlite:}" <"$2/sqlite/train.sql"
	;;
postgres://* | postgresql://*) psql -qX -v ON_ERROR_STOP=1 --csv -f "$2/postgresql/train.sql" "$1" ;;
*)
	echo "city-train: '$1' is no database: sqlite:PATH or postgresql://HOST/NAME" >&2
	exit 64
	;;
esac
