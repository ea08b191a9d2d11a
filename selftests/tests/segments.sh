#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# GSO and GRO: one packet for the host is many frames for the wire, and that many copies.
# timeout: 400
. /selftests/lib.sh

# Segments are made, and checksums finished, between the action and the wire.
OFFLOADS="tx off tso off gso on gro on tx-udp-segmentation off tx-sctp-segmentation off
	tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off
	tx-gre-segmentation off tx-gre-csum-segmentation off
	tx-ipxip4-segmentation off tx-ipxip6-segmentation off"
ROOM="-s 17000 -B 65536"	# or tcpdump has room for eight packets, and drops

one_cpu
topo 9000
need modprobe -a 8021q sctp vxlan ip_gre ipip sch_ingress cls_matchall act_vlan

tunnels() {	# NS HERE THERE NUMBER
	local ns=$1 here=$2 there=$3 n=$4 dev family i=0
	# shellcheck disable=SC2086
	need ip netns exec "$ns" ethtool -K eth0 $OFFLOADS
	need ip -n "$ns" link add link eth0 name vlan type vlan id 100 egress-qos-map 0:5
	need ip -n "$ns" link add vxlan type vxlan id 7 local "$here" remote "$there" dev eth0 \
		dstport 4789 udpcsum
	need ip -n "$ns" link add gre type gretap local "$here" remote "$there"
	need ip -n "$ns" link add ipip type ipip local "$here" remote "$there"
	for dev in vlan vxlan gre ipip; do
		need ip -n "$ns" address add "10.1.$((++i)).$n/24" dev "$dev"
		need ip -n "$ns" address add "fd00:$i::$n/64" dev "$dev"
		need ip -n "$ns" link set "$dev" up
	done
	# Nobody asks whether a neighbour is still there in the middle of a burst.
	for dev in eth0 vlan vxlan gre ipip; do
		for family in ipv4 ipv6; do
			need ip netns exec "$ns" sysctl -qw \
				"net.$family.neigh.$dev.delay_first_probe_time=3600" \
				"net.$family.neigh.$dev.base_reachable_time_ms=3600000"
		done
	done
}

tunnels src 198.51.100.1 198.51.100.2 1
tunnels peer 198.51.100.2 198.51.100.1 2
# How many packets the action sees, however many frames they are.
need in_src nft -f - <<'E'
table netdev seen {
	counter ingress {}
	counter egress {}
	counter jumbo {}
	chain input { type filter hook ingress device eth0 priority 0; counter name ingress; }
	chain output { type filter hook egress device eth0 priority 0; counter name egress
		meta length > 65600 counter name jumbo; }
}
E
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
for address in 198.51.100.2 2001:db8:1::2 10.1.{1..4}.2 fd00:{1..3}::2; do
	need in_src ping -q -c 1 -W 5 "$address"
done

# shellcheck disable=SC2086
{
capture src eth0 out -Q out $ROOM
capture peer eth0 in -Q out $ROOM
capture col eth0 copies -Q in $ROOM
}
check "traffic" python3 /selftests/tests/segments_traffic.py
capture_stop
finish
