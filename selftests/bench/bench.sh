#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Instructions per packet, by pktgen's clock, under a VM that gives each
# instruction one nanosecond.
# timeout: 300
#
# d0 is mirrored, d1 the underlay, d2 what mirred mirrors to without a tunnel.
# All are dummies: what they are sent, they count and drop.
. /selftests/lib.sh

RUNS=3
PACKETS=5024			# whole bursts
BURST=32

# "shows" names what grows by one with each packet, which is checked: a device's
# tx_packets, a counter of mirrorx.  A device that it does not name stays as it
# is.
#
# case base directions sizes shows action
cases() {
	cat <<-EOF
	baseline          baseline rx,tx 64,512,1500 -          -
	mirred-dummy      baseline rx,tx 64,512,1500 d2         mirred egress mirror dev d2
	mirred-gretap     baseline rx,tx 64,512,1500 d1         mirred egress mirror dev gre1
	mirred-vxlan      baseline rx,tx 64,512,1500 d1         mirred egress mirror dev vx1
	mirred-erspan     baseline rx,tx 64,512,1500 d1         mirred egress mirror dev ers1
	mirrorx           baseline rx,tx 64,512,1500 d1,sent    mirrorx $SESSION
	mirrorx-trunc128  baseline rx,tx 64,512,1500 d1,sent    mirrorx $SESSION trunc 128
	mirrorx-unsampled baseline rx,tx 64,512,1500 unsampled  mirrorx $SESSION sample $RARE
	EOF
}
# Says and does what ers1 does.
SESSION="dst_ip 10.0.0.2 src_ip 10.0.0.1 id 100 erspan_dir ingress erspan_hwid 17"
RARE=4294967295			# so rare that it is never

devices() {
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 &&
	ip -batch - <<-EOF
	link add d0 address 02:00:00:00:00:01 type dummy
	link add d1 address 02:00:00:00:01:01 mtu 9000 type dummy
	link add d2 mtu 9000 type dummy
	address add 10.0.0.1/24 dev d1
	link set d0 up
	link set d1 up
	link set d2 up
	neighbour add 10.0.0.2 lladdr 02:00:00:00:01:02 dev d1 nud permanent
	link add gre1 mtu 8000 type gretap local 10.0.0.1 remote 10.0.0.2 key 7
	link add vx1 mtu 8000 type vxlan id 42 local 10.0.0.1 remote 10.0.0.2 dstport 4789 dev d1 noudpcsum
	link add ers1 mtu 8000 type erspan local 10.0.0.1 remote 10.0.0.2 seq key 100 erspan_ver 2 erspan_dir ingress erspan_hwid 17
	link set gre1 up
	link set vx1 up
	link set ers1 up
	EOF
	tc qdisc add dev d0 clsact
}

pktgen() {	# FILE COMMAND...
	local file=/proc/net/pktgen/$1 command
	shift
	for command; do
		echo "$command" >"$file" || return
	done
}

# rx: one skb is received again and again, and dropped by the filter.
# tx: each packet is allocated, filled, sent, and dropped by the device.
sender() {	# rx|tx
	local mode="xmit_mode queue_xmit"
	[[ $1 = tx ]] || mode="xmit_mode netif_receive"
	pktgen kpktgend_0 rem_device_all "add_device d0" &&
	pktgen d0 "$mode" "count $PACKETS" "delay 0" "clone_skb 0" \
		"dst_mac 02:00:00:00:00:01" "dst 198.18.0.1" \
		"src_min 198.18.0.2" "src_max 198.18.0.2" \
		"udp_src_min 9" "udp_src_max 9" "udp_dst_min 9" "udp_dst_max 9" || return
	[[ $1 = tx ]] || pktgen d0 "burst $BURST"
}

filter() {	# rx|tx ACTION
	local hook=egress verdict=pass action=
	[[ $1 = tx ]] || hook=ingress verdict=drop
	[[ $2 = - ]] || action="action $2"
	tc filter del dev d0 ingress
	tc filter del dev d0 egress
	# shellcheck disable=SC2086
	tc filter add dev d0 $hook matchall $action action gact $verdict
}

# --- measuring

# No case may be cheap because it does not do what it is there for.
declare -A EXPECT

count() {	# DEVICE|COUNTER
	if [[ $1 = d? ]]; then
		cat "/sys/class/net/$1/statistics/tx_packets"
	else
		tc -j -s action list action mirrorx |
			jq ".. | objects | .mirrorx_stats? // empty | .$1"
	fi
}

expect_from_now() {	# SHOWS
	local name
	EXPECT=()
	for name in d1 d2 ${1//[-,]/ }; do
		EXPECT[$name]=$(count "$name")
	done
}

as_expected() {
	local name value
	for name in "${!EXPECT[@]}"; do
		value=$(count "$name")
		[[ $value = "${EXPECT[$name]}" ]] ||
			{ echo "$name: $value, not ${EXPECT[$name]}" && return 1; }
	done
}

measure() {	# SIZE SHOWS WHAT...: a line of results with WHAT in front
	local size=$1 name result
	pktgen d0 "pkt_size $((size - 4))" &&	# a size on the wire has the FCS
	pktgen pgctrl start || return
	result=$(grep '^Result: OK' /proc/net/pktgen/d0) || return
	[[ $result =~ OK:\ ([0-9]+)\(.*\)\ usec,\ ([0-9]+)\  ]] || return
	for name in ${2//[-,]/ }; do
		((EXPECT[$name] += BASH_REMATCH[2]))
	done
	shift 2
	as_expected && echo "$* $size ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}" >>"$OUT/raw"
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

need devices
need modprobe pktgen
sleep 3				# what booting has deferred
for direction in rx tx; do
	need sender $direction
	while read -r name base directions sizes shows action; do
		[[ $directions != *$direction* ]] ||
			check "$direction $name" measure_case $direction "$name" "$base" "$sizes" "$shows" "$action"
	done < <(cases)
done
finish
