#!/bin/bash
# install.sh install|uninstall BUILD PREFIX: the programs of BUILD with their manual pages and
# completions, and the files under data/ that users load.
set -euo pipefail
cd "$(dirname "$0")/.."

verb=$1 build=$2 prefix=$3

# install_file FILE MODE PLACE, or removes what that put there.
put() {
	if [[ $verb = install ]]; then
		install -D -m "$2" "$1" "$prefix/$3"
	else
		rm -f "$prefix/$3"
	fi
}

made=$(mktemp)
trap 'rm -f "$made"' EXIT
for program in "$build"/bin/*; do
	name=${program##*/}
	put "$program" 755 "bin/$name"
	"$program" --completion bash >"$made"
	put "$made" 644 "share/bash-completion/completions/$name"
	"$program" --completion zsh >"$made"
	put "$made" 644 "share/zsh/site-functions/_$name"
done
for page in man/*.[1-8]; do
	[[ -f $page ]] || continue
	put "$page" 644 "share/man/man${page##*.}/${page##*/}"
done
while IFS= read -r -d '' file; do
	mode=644
	[[ ! -x $file ]] || mode=755
	put "$file" "$mode" "share/sensorutils/${file#data/}"
done < <(find data -type f -not -name '.*' -not -path '*/__pycache__/*' -print0)
if [[ $verb = uninstall && -d $prefix/share/sensorutils ]]; then
	find "$prefix/share/sensorutils" -type d -empty -delete
fi
