#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Conversations mirrored in every format, for the collectors that selftests/collectors/check runs.
# timeout: 400
. /selftests/lib.sh

# Segments are made, and checksums finished, between the action and the wire.
OFFLOADS="tx off tso off gso on gro on"
ROOM="-s 17000 -B 16384"	# or tcpdump has room for eight packets, and drops

topo 9000
need modprobe -a 8021q ip_gre ip6_gre sch_ingress cls_matchall
mac() { ip -n "$1" -j link show dev "$2" | jq -r '.[].address'; }	# NS DEV

# NS NUMBER OTHER-NUMBER MAC-OF-OTHER.  Neighbours are known: no question is asked in between.
ways() {
	local ns=$1 n=$2 other=$3 mac=$4 dev
	# shellcheck disable=SC2086
	need ip netns exec "$ns" ethtool -K eth0 $OFFLOADS
	need ip -n "$ns" -batch - <<-END
		link add link eth0 name customer type vlan id 100
		link add link eth0 name service type vlan proto 802.1ad id 200
		link add link service name qinq type vlan id 300
		address add 10.1.1.$n/24 dev customer
		address add 10.1.2.$n/24 dev qinq
		link set customer up
		link set service up
		link set qinq up
		neighbour add 198.51.100.$other lladdr $mac dev eth0
		neighbour add 2001:db8:1::$other lladdr $mac dev eth0
		neighbour add 10.1.1.$other lladdr $mac dev customer
		neighbour add 10.1.2.$other lladdr $mac dev qinq
	END
}

SRC=$(mac src eth0) PEER=$(mac peer eth0)
ways src 1 2 "$PEER"
ways peer 2 1 "$SRC"

# Each format goes to an address of its own; Linux decodes those that it knows.
DEVICES=()
decoder() {	# FORMAT TYPE SESSION WORDS
	local dev=$1 type=$2 session=$3
	shift 3
	case $type in
	erspan) set -- local "192.0.2.$((100 + session))" remote 192.0.2.1 "$@" ;;
	ip6erspan) set -- local "2001:db8:9::$((100 + session))" remote 2001:db8:9::1 "$@" ;;
	esac
	need ip -n col link add "$dev" type "$type" "$@"
	DEVICES+=("$dev")
}
for n in {1..13}; do
	need ip -n col -batch - <<-END
		address add 192.0.2.$((100 + n))/32 dev eth0
		address add 2001:db8:9::$((100 + n))/128 dev eth0
	END
done
# FORMATS_BEGIN
decoder III erspan 4 seq key 4 erspan_ver 2 erspan_dir ingress erspan_hwid 1
decoder III_v6 ip6erspan 13 seq key 13 erspan_ver 2 erspan_dir ingress erspan_hwid 1
for dev in "${DEVICES[@]}"; do
	need ip -n col link set "$dev" mtu 8900 arp off up
	need in_col ethtool -K "$dev" gro off	# what it receives in lists, tcpdump sees in disorder
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

# shellcheck disable=SC2086
{
capture src eth0 out -Q out $ROOM
capture peer eth0 in -Q out $ROOM
capture col eth0 copies -Q in $ROOM
for dev in "${DEVICES[@]}"; do
	capture col "$dev" "linux-$dev" -Q in $ROOM
done
}
check "traffic" python3 /selftests/tests/collectors_traffic.py
capture_stop
finish
