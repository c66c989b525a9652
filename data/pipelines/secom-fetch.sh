#!/bin/bash
# secom-fetch.sh FOLDER: puts SECOM into FOLDER as secom.data and secom_labels.data and prints the
# prefix of the two names ("FOLDER/"). It is taken
#
#   1. from the folder SECOM_DIR, if set: secom.data or secom.data.gz, and secom_labels.data;
#   2. from ${XDG_CACHE_HOME:-~/.cache}/sensorutils, where an earlier download left it;
#   3. from UCI, or from SECOM_URL: a zip file's address ending in .zip, or that of a folder.
#
# What is used has the right SHA-256, or there is an error. If nothing answers, data of the same shape
# are made up, as FOLDER/made-up-secom.data and FOLDER/made-up-secom_labels.data, and the prefix
# "FOLDER/made-up-" is printed; with CI=true that is an error (69).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sensorutils
uci=(
	https://archive.ics.uci.edu/static/public/179/secom.zip
	https://archive.ics.uci.edu/ml/machine-learning-databases/secom
)

# With CR LF as UCI has them, and with LF.
secom_data=(
	20f0e7ee434f7dcbae0eea9ffff009a2b57f42d6b0dc9a5bd4f00782c0a3374c
	4503bdb42e63687d1c7586bdc1796df9a7cb5ae9cc9c0443d84957a446de3aaf
)
secom_labels=(
	126884cf453705c9e61a903fe906f0665a3b45ce3639e621edc5c93c89627e03
	2fb2e8b5dfe77ba96ecf0960ff00f2ba9311795383a8342d4588a7cb37c816ef
)

say() {
	echo "secom-fetch: $*" >&2
}

die() {
	local status=$1
	shift
	say "$@"
	exit "$status"
}

# is_right FILE SUM...: whether FILE's SHA-256 is one of them.
is_right() {
	local sum
	sum=$(sha256sum <"$1")
	shift
	[[ " $* " = *" ${sum%% *} "* ]]
}

# are_right FOLDER: whether it holds both files, as they must be.
are_right() {
	[[ -f $1/secom.data && -f $1/secom_labels.data ]] &&
		is_right "$1/secom.data" "${secom_data[@]}" &&
		is_right "$1/secom_labels.data" "${secom_labels[@]}"
}

# take FROM FOLDER: both files, decompressed, checked, and only then given their names.
take() {
	local from=$1 to=$2 data=$1/secom.data
	[[ -e $data ]] || data=$data.gz
	gzip -cdf <"$data" >"$work/secom.data"
	cat "$from/secom_labels.data" >"$work/secom_labels.data"
	are_right "$work" || die 65 "SECOM in '$from' is not what UCI publishes: the SHA-256 is wrong"
	mv "$work/secom.data" "$work/secom_labels.data" "$to/"
}

# get URL FILE
get() {
	if command -v curl >/dev/null; then
		curl -fsSL --retry 2 --connect-timeout 10 --max-time 300 -o "$2" "$1"
	elif command -v wget >/dev/null; then
		wget -nv --tries=3 --connect-timeout=10 --read-timeout=60 -O "$2" "$1"
	else
		say "neither curl nor wget is here"
		return 1
	fi >&2
}

unzip_both() {
	if command -v unzip >/dev/null; then
		unzip -q -o -j "$1" secom.data secom_labels.data -d "$2"
	elif command -v python3 >/dev/null; then
		python3 -m zipfile -e "$1" "$2"
	else
		say "neither unzip nor python3 is here"
		return 1
	fi >&2
}

# download URL: into $work/download.
download() {
	local to=$work/download
	mkdir -p "$to"
	say "fetching $1"
	if [[ $1 = *.zip ]]; then
		get "$1" "$work/secom.zip" && unzip_both "$work/secom.zip" "$to"
	else
		get "${1%/}/secom.data" "$to/secom.data" &&
			get "${1%/}/secom_labels.data" "$to/secom_labels.data"
	fi
}

# Everything after this line writes to $work, in FOLDER, and renames.
(($# == 1)) || die 64 "usage: secom-fetch.sh FOLDER"
folder=$1
mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [[ -n ${SECOM_DIR-} ]]; then
	[[ -r $SECOM_DIR/secom_labels.data && (-r $SECOM_DIR/secom.data || -r $SECOM_DIR/secom.data.gz) ]] ||
		die 66 "SECOM_DIR '$SECOM_DIR' does not hold secom.data (or secom.data.gz) and secom_labels.data"
	are_right "$folder" || take "$SECOM_DIR" "$folder"
	echo "$folder/"
	exit
fi

if are_right "$folder"; then
	echo "$folder/"
	exit
fi

if are_right "$cache"; then
	take "$cache" "$folder"
	echo "$folder/"
	exit
fi

urls=("${uci[@]}")
[[ -z ${SECOM_URL-} ]] || urls=("$SECOM_URL")
for url in "${urls[@]}"; do
	download "$url" || continue
	are_right "$work/download" ||
		die 65 "what came from $url is not what UCI publishes: the SHA-256 is wrong"
	mkdir -p "$cache"
	# Each by a rename within the cache's file system.
	for file in secom.data secom_labels.data; do
		kept=$(mktemp "$cache/.$file.XXXXXX")
		cp "$work/download/$file" "$kept"
		chmod 644 "$kept"
		mv "$kept" "$cache/$file"
	done
	take "$cache" "$folder"
	echo "$folder/"
	exit
done

[[ ${CI-} != true ]] || die 69 "no SECOM: SECOM_DIR is not set and nothing could be fetched (CI=true)"
say "nothing could be fetched: the data are MADE UP, with SECOM's shape; they are not SECOM"
for file in made-up-secom.data made-up-secom_labels.data; do
	what=data
	[[ $file != *labels* ]] || what=labels
	[[ ! -e $folder/$file ]] || continue
	awk -v what="$what" -f "$here/secom-generate.awk" >"$work/$file"
	mv "$work/$file" "$folder/$file"
done
echo "$folder/made-up-"
