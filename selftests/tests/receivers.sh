#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own erspan and ip6erspan devices take the copies and give back the frames.
. /selftests/lib.sh

ROOM="-s 17000 -B 16384"	# or tcpdump has room for eight packets, and drops

topo 16000
need modprobe -a ip_gre ip6_gre sch_ingress cls_matchall
for ns in src peer; do
	need ip -n $ns link set eth0 mtu 9000
done
# A device for each session, and one for all others.
for id in 1 2 3; do
	need ip -n col link add erspan$id type erspan local 192.0.2.9 remote 192.0.2.1 \
		seq key $id erspan_ver 2 erspan_dir ingress erspan_hwid 1
done
for id in 4 5 6; do
	need ip -n col link add erspan$id type ip6erspan local 2001:db8:9::9 \
		remote 2001:db8:9::1 seq key $id erspan_ver 2 erspan_dir ingress erspan_hwid 1
done
need ip -n col link add erspan7 type erspan external
need ip -n col link add erspan8 type ip6erspan external
for id in {1..8}; do
	need ip -n col link set "erspan$id" mtu 15000 arp off up
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

# shellcheck disable=SC2086
{
capture src eth0 in -Q in $ROOM
capture src eth0 out -Q out $ROOM
capture col eth0 copies -Q in $ROOM
for id in {1..8}; do
	capture col erspan$id erspan$id -Q in $ROOM
done
}
check "traffic" python3 /selftests/tests/receivers_traffic.py
capture_stop
in_col ip -j -s -s link show >"$OUT/links.json"
finish
