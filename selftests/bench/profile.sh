#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Packets of a case and of its base, for the profile.  PROFILE comes from the
# kernel's command line.
# timeout: 300
. /selftests/tests/cases.sh

IFS=: read -r direction wanted size of_case of_base <<<"$PROFILE"

# Writes "MICROSECONDS PACKETS".
packets() {	# CASE COUNT
	local name action
	while read -r name _ _ _ _ action; do
		[[ $name != "$1" ]] || break
	done < <(cases)
	[[ $name = "$1" ]] && filter "$direction" "$action" && send "$size" "$2" &&
		echo "$RESULT" >>"$OUT/raw"
}

base=$(cases | awk -v name="$wanted" '$1 == name { print $2 }')
need test "$base"
need sender "$direction"
check "$wanted" packets "$wanted" "$of_case"
check "$base" packets "$base" "$of_base"
check "addresses" cp /proc/kallsyms "$OUT"
finish
