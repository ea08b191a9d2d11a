#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Instructions per packet, by pktgen's clock, in a VM that gives each
# instruction one nanosecond.
# timeout: 300
. /selftests/tests/cases.sh

RUNS=3
PACKETS=$((157 * BURST))

# No case may be cheap because it does not do what it is there for.
declare -A EXPECT

# Sets COUNT.
count() {	# DEVICE|COUNTER
	local stats
	if [[ $1 = d? ]]; then
		COUNT=$(<"/sys/class/net/$1/statistics/tx_packets")
	else
		stats=$(tc -j -s action list action mirrorx)
		[[ $stats =~ \"mirrorx_stats\":\{[^}]*\"$1\":([0-9]+) ]] &&
			COUNT=${BASH_REMATCH[1]}
	fi
}

expect_from_now() {	# SHOWS
	local name
	EXPECT=()
	for name in d1 d2 ${1//[-,]/ }; do
		count "$name" && EXPECT[$name]=$COUNT || return
	done
}

as_expected() {
	local name
	for name in "${!EXPECT[@]}"; do
		count "$name" || return
		((COUNT == EXPECT[$name])) ||
			{ echo "$name: $COUNT, not ${EXPECT[$name]}" && return 1; }
	done
}

measure() {	# SIZE SHOWS WHAT...: a line of results with WHAT in front
	local size=$1 name
	send "$size" $PACKETS || return
	for name in ${2//[-,]/ }; do
		((EXPECT[$name] += ${RESULT#* }))
	done
	shift 2
	as_expected && echo "$* $size $RESULT" >>"$OUT/raw"
}

measure_case() {	# DIRECTION CASE BASE SIZES SHOWS ACTION
	local size run
	filter "$1" "$6" && expect_from_now "$5" || return
	for size in ${4//,/ }; do
		for ((run = 0; run < RUNS; run++)); do
			measure "$size" "$5" "$1 $2 $3" || return
		done
	done
}

for direction in rx tx; do
	need sender $direction
	while read -r name base directions sizes shows action; do
		[[ $directions != *$direction* ]] ||
			check "$direction $name" measure_case $direction "$name" "$base" "$sizes" "$shows" "$action"
	done < <(cases)
done
finish
