#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Several collectors: flows are shared out and stay together, or all get a copy; one
# that is out of reach is taken out, and comes back.
# timeout: 300
. /selftests/lib.sh

ROOM="-s 1600 -B 65536"

topo 9000
need modprobe -a sch_ingress cls_matchall
for ns in src peer; do
	need ip netns exec $ns ethtool -K eth0 tx off tso off gso on gro off
done
addresses() {
	local i
	for i in {10..80}; do
		echo "address add 192.0.2.$i/24 dev eth0"
		echo "address add 2001:db8:9::$i/64 dev eth0"
	done
}
need ip -n col -batch - < <(addresses)
patience=${PATIENCE:-1}
need in_src sysctl -qw net.ipv4.neigh.und0.delay_first_probe_time="$patience" \
	net.ipv4.neigh.und0.retrans_time_ms=$((200 * patience)) \
	net.ipv4.neigh.und0.base_reachable_time_ms=$((1000 * patience))
need in_src tc qdisc add dev eth0 clsact
for i in 9 {10..80}; do
	echo "192.0.2.$i"
done | need in_src xargs -P 8 -n 8 sh -c 'for a; do ping -q -c 1 -W 5 $a || exit 255; done' - >/dev/null
need in_src ping -q -c 1 -W 5 2001:db8:9::9
need in_src ping -q -c 1 -W 5 198.51.100.2

# shellcheck disable=SC2086
{
capture src eth0 out -Q out $ROOM
capture col eth0 copies -Q in $ROOM
}
check "traffic" python3 /selftests/tests/spread_traffic.py
capture_stop
finish
