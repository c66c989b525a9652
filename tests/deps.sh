#!/bin/bash
# deps.sh GROUP...: installs the Debian packages of these groups that are missing.
# Without root, without passwordless sudo, or with NO_INSTALL=1: prints the one line that would.
set -euo pipefail

group() {
	case $1 in
	build) echo gcc libc6-dev make libjansson-dev libcsv-dev librdkafka-dev libsqlite3-dev libpq-dev zlib1g-dev ;;
	demo) echo gnuplot-nox jq sqlite3 postgresql-client-15 curl ca-certificates unzip ;;
	check) echo libcmocka-dev bats jq kcat gnuplot-nox sqlite3 curl python3 zsh systemd ;;
	lint) echo clang clang-format clang-tidy shellcheck mandoc python3 ;;
	variants) group check && echo clang llvm libclang-rt-14-dev ;;
	services) group check && echo python3-venv openjdk-17-jre-headless maven openssl postgresql-15 ;;
	bench) group services && echo g++ python3-dev miller ;;
	*)
		echo "deps: no group '$1'" >&2
		exit 64
		;;
	esac
}

wanted=$(for g in "$@"; do group "$g"; done | tr ' ' '\n' | sort -u)
# shellcheck disable=SC2086 # $wanted and $missing are lists of words
if ! command -v dpkg-query >/dev/null; then
	echo "deps: no Debian here; the packages by their Debian names:" $wanted >&2
	exit 0
fi
# shellcheck disable=SC2086
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
	sed -n 's/^installed //p' | sort -u || true)
missing=$(comm -23 <(echo "$wanted") <(echo "$installed") | xargs)
[[ -n $missing ]] || exit 0

line="apt-get install -y --no-install-recommends $missing"
if [[ ${NO_INSTALL:-0} != 0 ]]; then
	echo "deps: packages are missing and NO_INSTALL is set; install them with: $line" >&2
	exit 69
elif [[ $(id -u) -eq 0 ]]; then
	as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as_root=(sudo -n env)
else
	echo "deps: packages are missing, and it takes root to install them: sudo $line" >&2
	exit 69
fi

apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
echo "deps: installing $missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Package lists may be missing or old: fetched when there are none, and again when installing fails.
if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
	"${apt[@]}" update >"$log" 2>&1 || true
fi
# shellcheck disable=SC2086
for try in 1 2; do
	if "${apt[@]}" install --no-install-recommends $missing >"$log" 2>&1; then
		exit 0
	fi
	[[ $try = 2 ]] || "${apt[@]}" update >>"$log" 2>&1 || true
done
tail -n 20 "$log" >&2
echo "deps: cannot install the packages; what was tried: $line" >&2
exit 69
