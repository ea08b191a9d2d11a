#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own vxlan, geneve, gretap and ip6gretap devices give back the frames.
# timeout: 300
. /selftests/lib.sh

ROOM="-s 17000 -B 16384"	# or tcpdump has room for eight packets, and drops

topo
need modprobe -a ip_gre ip6_gre vxlan geneve sch_ingress cls_matchall
for ns in src peer; do
	need ip -n $ns link set eth0 mtu 9000
	need ip netns exec $ns ethtool -K eth0 tx off tso off gro off
done

DEVICES=()
receiver() {	# NAME TYPE WORDS
	DEVICES+=("$1")
	need ip -n col link add "$1" type "${@:2}"
	need ip -n col link set "$1" mtu 9200 arp off up
	# What GRO receives in lists, tcpdump does not always see in order.
	need in_col ethtool -K "$1" gro off
}
# Over IPv6, these insist on a checksum.
receiver vx4 vxlan id 7 local 192.0.2.9 dstport 4789 nolearning
receiver vx4b vxlan id 16777215 local 192.0.2.9 dstport 4789 nolearning
receiver vx4c vxlan id 0 local 192.0.2.9 dstport 14789 nolearning
receiver vx6 vxlan id 8 local 2001:db8:9::9 dstport 4789 nolearning
receiver vx6b vxlan id 9 local 2001:db8:9::9 dstport 4789 nolearning
receiver gn4 geneve id 7 remote 192.0.2.1 dstport 6081
receiver gn4b geneve id 16777215 remote 192.0.2.1 dstport 16081
receiver gn6 geneve id 8 remote 2001:db8:9::1 dstport 6081
receiver gn6b geneve id 9 remote 2001:db8:9::1 dstport 6081
receiver gt4 gretap local 192.0.2.9 remote 192.0.2.1
receiver gt6 ip6gretap local 2001:db8:9::9 remote 2001:db8:9::1
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9
need in_src ping -q -c 1 -W 5 198.51.100.2

# shellcheck disable=SC2086
{
capture src eth0 in -Q in $ROOM
capture src eth0 out -Q out $ROOM
# These are no larger than the MTU; of all sessions together they are many.
capture col eth0 copies -Q in -s 9100 -B 49152
for dev in "${DEVICES[@]}"; do
	capture col "$dev" "$dev" -Q in -s 9100 -B 8192
done
}
check "traffic" python3 /selftests/tests/encaps_traffic.py
capture_stop
in_col ip -j -s -s link show >"$OUT/links.json"
check "nothing was wrong with a checksum" test "$(
	in_col nstat -asz UdpInCsumErrors Udp6InCsumErrors UdpInErrors Udp6InErrors |
	awk '!/^#/ { sum += $2 } END { print sum }')" = 0
finish
