#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Frames too large for the underlay: cut, in fragments that the kernel puts together, or split.
# timeout: 400
. /selftests/lib.sh

# Segments are made, and checksums finished, between the action and the wire.
OFFLOADS="tx off tso off gso on gro on"
ROOM="-s 17000 -B 16384"	# or tcpdump has room for eight packets, and drops

topo 1500
need modprobe -a 8021q ip_gre ip6_gre sch_ingress cls_matchall
for ns in src peer; do
	# shellcheck disable=SC2086
	need ip netns exec $ns ethtool -K eth0 $OFFLOADS
done
# What the kernel makes of all sessions
need ip -n col link add ers4 type erspan external
need ip -n col link add ers6 type ip6erspan external
for dev in ers4 ers6; do
	need ip -n col link set $dev mtu 15000 arp off up
	# What GRO receives in lists, tcpdump does not always see in order.
	need in_col ethtool -K $dev gro off
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

# shellcheck disable=SC2086
{
capture src eth0 out -Q out $ROOM
capture peer eth0 in -Q out $ROOM
capture col eth0 copies -Q in $ROOM
capture col ers4 ers4 -Q in $ROOM
capture col ers6 ers6 -Q in $ROOM
}
check "traffic" python3 /selftests/tests/oversize_traffic.py
capture_stop
finish
