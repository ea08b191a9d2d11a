#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Packets of a case and of its base, for the profile.  PROFILE comes from the
# kernel's command line: DIRECTION:CASE:BYTES:PACKETS.
# timeout: 300
. /selftests/tests/cases.sh

IFS=: read -r direction wanted size packets <<<"$PROFILE"

# A function of the kernel that nothing else calls, and that has nothing to do.
mark() { echo 4 >/proc/sys/vm/drop_caches; }

# Writes "MICROSECONDS PACKETS".
profile() {	# CASE
	local name kind action
	while read -r name _ kind _ _ _ action; do
		[[ $name != "$1" ]] || break
	done < <(cases)
	[[ $name = "$1" ]] && prepare "$direction" "$kind" &&
		filter "$direction" "$action" && $SEND "$size" 32 || return
	mark
	$SEND "$size" "$packets"
	mark
	echo "$RESULT" >>"$OUT/raw"
}

base=$(cases | awk -v name="$wanted" '$1 == name { print $2 }')
need test "$base"
check "$wanted" profile "$wanted"
check "$base" profile "$base"
check "addresses" cp /proc/kallsyms "$OUT"
finish
