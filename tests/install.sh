#!/bin/bash
# install.sh install|uninstall FOLDER PREFIX PROGRAM...: the programs of FOLDER with their manual pages and
# completions, and the files under data/ that users load, under $DESTDIR and PREFIX.
set -euo pipefail
cd "$(dirname "$0")/.."

verb=$1 folder=$2 prefix=${DESTDIR-}$3
if [[ $3 = '~'* || $prefix = '~'* ]]; then
	echo "install: '$prefix': your shell did not expand the '~'; write \$HOME" >&2
	exit 64
fi
shift 3

# put FILE MODE PLACE, or removes what that put there.
put() {
	if [[ $verb = install ]]; then
		install -D -m "$2" "$1" "$prefix/$3"
	else
		rm -f "$prefix/$3"
	fi
}

# put_completion PROGRAM SHELL PLACE
put_completion() {
	[[ $verb = uninstall ]] || "$folder/$1" --completion "$2" >"$made"
	put "$made" 644 "$3"
}

made=$(mktemp)
trap 'rm -f "$made"' EXIT
for name; do
	put "$folder/$name" 755 "bin/$name"
	[[ ! -e data/deploy/$name ]] || continue # a script
	put_completion "$name" bash "share/bash-completion/completions/$name"
	put_completion "$name" zsh "share/zsh/site-functions/_$name"
done
for page in man/*.[1-8]; do
	[[ -f $page ]] || continue
	put "$page" 644 "share/man/man${page##*.}/${page##*/}"
done
while IFS= read -r -d '' file; do
	[[ " $* " != *" ${file##*/} "* ]] || continue
	mode=644
	[[ ! -x $file ]] || mode=755
	put "$file" "$mode" "share/sensorutils/${file#data/}"
done < <(find data -type f -not -name '.*' -not -path '*/__pycache__/*' -print0)
if [[ $verb = uninstall && -d $prefix/share/sensorutils ]]; then
	find "$prefix/share/sensorutils" -type d -empty -delete
fi
