#!/bin/bash
# run.sh BUILD: the table of `make bench`, measured on one processor.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
python=$("$here/../parity/venv.sh" "$here/requirements.txt")
exec "$python" "$here/peers.py" "$1"
