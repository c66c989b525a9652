#!/bin/bash
# run.sh BUILD [models|kafka]...: the tables of `make bench`, by default both. That of the models is
# measured on one processor.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
(($#)) || set -- models kafka
for table; do
	case $table in
	models) "$("$here/../parity/venv.sh" "$here/requirements.txt")" "$here/peers.py" "$build" ;;
	kafka) python3 "$here/kafka.py" "$build" ;;
	*) echo "run.sh: no table '$table'" >&2 && exit 64 ;;
	esac
done
