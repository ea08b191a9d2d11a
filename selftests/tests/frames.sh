#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A copy is the frame, byte for byte: every kind of frame, tag and checksum, cut or whole.
# timeout: 400
. /selftests/lib.sh

OFF="tx off tso off gso off gro off"
ROOM="-s 17000 -B 65536"	# or tcpdump has room for eight packets, and drops

topo 16000
need modprobe -a 8021q sctp sch_ingress cls_matchall
for ns in src peer; do
	need ip -n $ns link set eth0 mtu 9000
	# shellcheck disable=SC2086
	need ip netns exec $ns ethtool -K eth0 $OFF
	need ip -n $ns link add link eth0 name customer type vlan id 100 egress-qos-map 0:5
	need ip -n $ns link add link eth0 name service type vlan proto 802.1ad id 200 \
		egress-qos-map 0:3
	need ip -n $ns link add link service name qinq type vlan id 300 egress-qos-map 0:6
	for dev in customer service qinq; do
		need ip -n $ns link set $dev up
	done
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

# shellcheck disable=SC2086
{
capture src eth0 in -Q in $ROOM
capture src eth0 out -Q out $ROOM
capture col eth0 copies -Q in $ROOM
}
check "traffic" python3 /selftests/tests/frames_traffic.py
capture_stop
finish
