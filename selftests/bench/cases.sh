# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What is measured, and how its packets are sent.
#
# d0 is mirrored, d1 the underlay, d2 what mirred mirrors to without a tunnel.
# All are dummies: what they are sent, they count and drop.
. /selftests/lib.sh

BURST=32

# What each case costs is given over its base.  "shows" names what grows by one
# with each packet, which is checked: a device's tx_packets, or a counter of
# mirrorx.  A device that it does not name stays as it is.
#
# case base directions sizes shows action
cases() {
	cat <<-EOT
	baseline          baseline rx,tx 64,512,1500 -          -
	mirred-dummy      baseline rx,tx 64,512,1500 d2         mirred egress mirror dev d2
	mirred-gretap     baseline rx,tx 64,512,1500 d1         mirred egress mirror dev gre1
	mirred-vxlan      baseline rx,tx 64,512,1500 d1         mirred egress mirror dev vx1
	mirred-erspan     baseline rx,tx 64,512,1500 d1         mirred egress mirror dev ers1
	mirrorx           baseline rx,tx 64,512,1500 d1,sent    mirrorx $SESSION
	mirrorx-trunc128  baseline rx,tx 64,512,1500 d1,sent    mirrorx $SESSION trunc 128
	mirrorx-unsampled baseline rx,tx 64,512,1500 unsampled  mirrorx $SESSION sample $RARE
	EOT
}
# Says and does what ers1 does.
SESSION="dst_ip 10.0.0.2 src_ip 10.0.0.1 id 100 erspan_dir ingress erspan_hwid 17"
RARE=4294967295			# so rare that it is never

devices() {
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 &&
	ip -batch - <<-EOT &&
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
	EOT
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
	pktgen d0 "$mode" "delay 0" "clone_skb 0" \
		"dst_mac 02:00:00:00:00:01" "dst 198.18.0.1" \
		"src_min 198.18.0.2" "src_max 198.18.0.2" \
		"udp_src_min 9" "udp_src_max 9" "udp_dst_min 9" "udp_dst_max 9" || return
	[[ $1 = tx ]] || pktgen d0 "burst $BURST"
}

filter() {	# rx|tx ACTION: what happens to the packets
	local hook=egress verdict=pass action=
	[[ $1 = tx ]] || hook=ingress verdict=drop
	[[ $2 = - ]] || action="action $2"
	tc filter del dev d0 ingress
	tc filter del dev d0 egress
	# shellcheck disable=SC2086
	tc filter add dev d0 $hook matchall $action action gact $verdict
}

# Sets RESULT to "MICROSECONDS PACKETS".
send() {	# SIZE COUNT
	pktgen d0 "pkt_size $(($1 - 4))" "count $2" &&	# a size on the wire has the FCS
	pktgen pgctrl start || return
	RESULT=$(grep '^Result: OK' /proc/net/pktgen/d0) || return
	[[ $RESULT =~ OK:\ ([0-9]+)\(.*\)\ usec,\ ([0-9]+)\  ]] || return
	RESULT="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
}

need devices
need modprobe -a pktgen act_mirrorx
sleep 3				# what booting has deferred
