#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's tdc with its cases for other actions turned into some for mirrorx (derive), and our own.
# timeout: 3600
# cpus: 2
. /selftests/lib.sh
cd /selftests/tests/linux/tc-testing || exit 1
mkdir -p tmp

run_cases() {	# FILE [OPTION...]
	local file=$1 line expected
	shift
	expected=$(jq length "$file.json")
	./tdc.py -f "$file.json" --outfile "$OUT/$file.tap" "$@" >"$OUT/$file.said" 2>&1
	while IFS= read -r line; do
		case $line in
		*"# skipped"*) not_ok "tdc: ${line#*ok * }" ;;
		"ok "*) ok "tdc: ${line#ok * }" ;;
		"not ok "*) not_ok "tdc: ${line#not ok * }" ;;
		?*) echo "# $line" ;;
		esac
		[[ $line != "ok "* && $line != "not ok "* ]] || ((--expected))
	done <"$OUT/$file.tap"
	((expected == 0)) || not_ok "tdc: $expected cases of $file.json without a result"
}

run_cases mirrorx
# tdc wants a device of its own for these.
need ip link add dev tdc0 type dummy
run_cases flower -d tdc0
finish
