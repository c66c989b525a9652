#!/bin/bash
# venv.sh [FILE]: prints the path of a python3 that has the packages of FILE (default: requirements.txt beside
# this script), made on first use in ${XDG_CACHE_HOME:-~/.cache}/sensorutils and kept there until they change.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
requirements=${1:-$here/requirements.txt}
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
key=$( (echo "$version" && cat "$here/requirements.txt" "$requirements") | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sensorutils
venv=$cache/venv-$key

if [[ ! -e $venv/ready ]]; then
	mkdir -p "$cache"
	# One at a time; who waited finds it ready.
	exec 9>"$cache/lock"
	flock 9
	if [[ ! -e $venv/ready ]]; then
		echo "venv: installing $(grep -c '^[a-z]' "$requirements") Python packages in $venv" >&2
		rm -rf "$venv"
		python3 -m venv "$venv" >&2
		"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --prefer-binary \
			-r "$requirements" >&2
		touch "$venv/ready"
	fi
	exec 9>&-
fi
echo "$venv/bin/python"
