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
# Type I has no Session ID: its copies are told apart by their source.
need ip -n src address add 192.0.2.71/24 dev und0
need ip -n src address add 192.0.2.72/24 dev und0
# A device for each session, and one for all others.
III="erspan_ver 2 erspan_dir ingress erspan_hwid 1"
receiver() {	# ID REMOTE WORDS
	local id=$1 remote=$2 type=erspan local=192.0.2.9
	shift 2
	[[ $remote != *:* ]] || type=ip6erspan local=2001:db8:9::9
	need ip -n col link add "erspan$id" type $type local $local remote "$remote" "$@"
}
# shellcheck disable=SC2086
{
for id in 1 2 3; do receiver $id 192.0.2.1 seq key $id $III; done
for id in 4 5 6 13; do receiver $id 2001:db8:9::1 seq key $id $III; done
for id in 9 10; do receiver $id 192.0.2.1 seq key $id erspan_ver 1 erspan 1; done
receiver 11 192.0.2.71 erspan_ver 0
receiver 12 2001:db8:9::1 seq key 12 erspan_ver 1 erspan 1
}
need ip -n col link add erspan7 type erspan external
need ip -n col link add erspan8 type ip6erspan external
for id in {1..13}; do
	need ip -n col link set "erspan$id" mtu 15000 arp off up
	# What GRO receives in lists, tcpdump does not always see in order.
	need in_col ethtool -K "erspan$id" gro off
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

# shellcheck disable=SC2086
{
capture src eth0 in -Q in $ROOM
capture src eth0 out -Q out $ROOM
capture col eth0 copies -Q in $ROOM
for id in {1..13}; do
	capture col erspan$id erspan$id -Q in $ROOM
done
}
check "traffic" python3 /selftests/tests/receivers_traffic.py
capture_stop
in_col ip -j -s -s link show >"$OUT/links.json"
finish
