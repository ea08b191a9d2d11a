#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Slices end where they are told to, and with fixlen what is left is a valid packet.
# timeout: 400
. /selftests/lib.sh

ROOM="-s 17000 -B 65536"	# or tcpdump has room for eight packets, and drops

topo 16000
need modprobe -a 8021q sctp sch_ingress cls_matchall
for ns in src peer; do
	need ip -n $ns link set eth0 mtu 9000
	need ip netns exec $ns ethtool -K eth0 tx off tso off gso off gro off
	need ip -n $ns link add link eth0 name customer type vlan id 100 egress-qos-map 0:5
	need ip -n $ns link set customer up
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
check "traffic" python3 /selftests/tests/slices_traffic.py
capture_stop
finish
