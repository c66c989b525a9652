#!/bin/bash
# run.sh BUILD [models|kafka|sim|db|windows]...: the tables of `make bench`, by default all. Those of the models, the
# simulator and the windows are measured on one processor.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
(($#)) || set -- models kafka sim db windows
for table; do
	case $table in
	models) "$("$here/../parity/venv.sh" "$here/requirements.txt")" "$here/peers.py" "$build" ;;
	kafka) python3 "$here/kafka.py" "$build" ;;
	sim) python3 "$here/sim.py" "$build" ;;
	db) python3 "$here/db.py" "$build" ;;
	windows) "$("$here/../parity/venv.sh")" "$here/windows.py" "$build" ;;
	*) echo "run.sh: no table '$table'" >&2 && exit 64 ;;
	esac
done
