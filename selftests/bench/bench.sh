#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a packet takes, by pktgen's clock: time, or instructions in a VM that gives
# each of them one nanosecond.  BENCH comes from the kernel's command line: how
# often to go through all cases, how often to measure each, and for how many packets.
# timeout: 900
. /selftests/tests/cases.sh

IFS=: read -r PASSES RUNS PACKETS <<<"$BENCH"

# No case may be cheap because it does not do what it is there for.
declare -A EXPECT

# Sets COUNT.
count() {	# DEVICE|listener|COUNTER
	local stats
	if [[ $1 = d? ]]; then
		COUNT=$(<"/sys/class/net/$1/statistics/tx_packets")
	elif [[ $1 = listener ]]; then
		echo >&"${LISTENER[1]}" && read -r COUNT <&"${LISTENER[0]}"
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
		((COUNT == EXPECT[$name])) && continue
		echo "$name: $COUNT, not ${EXPECT[$name]}"
		tc -s action list action mirrorx
		return 1
	done
}

measure() {	# SIZE SHOWS WHAT...: a line of results with WHAT in front
	local size=$1 name
	$SEND "$size" "$PACKETS" || return
	for name in ${2//[-,]/ }; do
		((EXPECT[$name] += ${RESULT#* }))
	done
	shift 2
	as_expected && echo "$* $size $RESULT" >>"$OUT/raw"
}

measure_case() {	# DIRECTION CASE BASE PACKETS SIZES SHOWS ACTION
	local size run
	prepare "$1" "$4" && filter "$1" "$7" && expect_from_now "$6" || return
	for size in ${5//,/ }; do
		for ((run = 0; run < RUNS; run++)); do
			measure "$size" "$6" "$1 $2 $3" || return
		done
	done
}

coproc LISTENER { /selftests/tests/listener.py; }
for ((pass = 1; pass <= PASSES; pass++)); do
	for direction in rx tx; do
		while read -r name base packets directions sizes shows action; do
			[[ $directions != *$direction* ]] || check "$direction $name" measure_case \
				$direction "$name" "$base" "$packets" "$sizes" "$shows" "$action"
		done < <(cases)
	done
done
finish
