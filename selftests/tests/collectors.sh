#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Conversations mirrored in every format, for the collectors that selftests/collectors/check runs.
# timeout: 400
. /selftests/lib.sh

# Segments are made, and checksums finished, between the action and the wire.
OFFLOADS="tx off tso off gso on gro on"
ROOM="-s 2000 -B 16384"	# all frames are smaller, and a burst of copies of each has room

topo 9000
need modprobe -a 8021q ip_gre ip6_gre sch_ingress cls_matchall nf_tables
SRC=02:00:00:00:00:01 PEER=02:00:00:00:00:02	# whose first digit is no version of ERSPAN

# Neighbours are known: nobody asks for them in between.
ways() {	# NS NUMBER MAC OTHER-NUMBER OTHER-MAC
	local ns=$1 n=$2 own=$3 other=$4 mac=$5
	# shellcheck disable=SC2086
	need ip netns exec "$ns" ethtool -K eth0 $OFFLOADS
	need ip -n "$ns" -batch - <<-END
		link set eth0 address $own
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

ways src 1 $SRC 2 $PEER
ways peer 2 $PEER 1 $SRC

# Each session goes to an address of its own.  Linux decodes those that it knows, with a device
# for each, or "external" for all that have none; for the others nobody is there.
DEVICES=() KNOWN4="" KNOWN6=""
decoder() {	# SESSION TYPE WORDS
	local session=$1 type=$2 here there
	shift 2
	case $type in
	erspan) here=192.0.2.$((100 + session)) there=192.0.2.1 KNOWN4+="$here," ;;
	ip6erspan) here=2001:db8:9::$((100 + session)) there=2001:db8:9::1 KNOWN6+="$here," ;;
	esac
	[[ $* == external ]] || set -- local "$here" remote "$there" "$@"
	need ip -n col link add "linux$session" type "$type" "$@"
	DEVICES+=("linux$session")
}
for n in {1..20}; do
	echo "address add 192.0.2.$((100 + n))/32 dev eth0"
	echo "address add 2001:db8:9::$((100 + n))/128 dev eth0"
done | need ip -n col -batch -
WORDS="erspan_dir ingress erspan_hwid 1"
# shellcheck disable=SC2086
{
decoder 1 erspan erspan_ver 0
decoder 2 erspan seq key 2 erspan_ver 1 erspan 1
decoder 3 erspan external
decoder 4 erspan seq key 4 erspan_ver 2 $WORDS
decoder 10 ip6erspan external
decoder 11 ip6erspan seq key 11 erspan_ver 2 $WORDS
decoder 17 erspan seq key 17 erspan_ver 2 $WORDS
}
for dev in "${DEVICES[@]}"; do
	need ip -n col link set "$dev" mtu 8900 arp off up
	need in_col ethtool -K "$dev" gro off	# what it receives in lists, tcpdump sees in disorder
done
# one by one: looking for a set, nf_tables itself offends PROVE_RCU
need in_col nft -f - <<END
table inet others {
	chain input {
		type filter hook input priority 0;
		meta l4proto != gre accept
		$(printf 'ip daddr %s accept\n' ${KNOWN4//,/ })
		$(printf 'ip6 daddr %s accept\n' ${KNOWN6//,/ })
		drop
	}
}
END
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

# shellcheck disable=SC2086
{
capture src eth0 out -Q out $ROOM
capture peer eth0 in -Q out $ROOM
capture col eth0 copies -Q in -s 2000 -B 49152
for dev in "${DEVICES[@]}"; do
	capture col "$dev" "$dev" -Q in $ROOM
done
}
check "traffic" python3 /selftests/tests/collectors_traffic.py
capture_stop
finish
