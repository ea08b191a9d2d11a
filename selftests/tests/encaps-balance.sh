#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# VXLAN through a load balancer for UDP: two receivers share the flows, and no flow is split.
# timeout: 200
. /selftests/lib.sh

ROOM="-s 2000 -B 16384"	# all frames are smaller; with none said, there is room for 30 packets

topo 9000
need modprobe -a vxlan nft_chain_nat nft_hash sch_ingress cls_matchall
# The collector's address is the balancer's; behind it are two receivers.
for n in 1 2; do
	need ip -batch - <<-END
		netns add r$n
		link add to$n netns col type veth peer name eth0 netns r$n
	END
	need ip -n col -batch - <<-END
		address add 10.9.$n.1/24 dev to$n
		address add 2001:db8:9:$n::1/64 dev to$n
		link set to$n up
	END
	need ip -n r$n -batch - <<-END
		address add 10.9.$n.2/24 dev eth0
		address add 2001:db8:9:$n::2/64 dev eth0
		link set eth0 up
		route add default via 10.9.$n.1
		route add ::/0 via 2001:db8:9:$n::1
		link add vx4 type vxlan id 7 local 10.9.$n.2 dstport 4789 nolearning
		link add vx6 type vxlan id 8 local 2001:db8:9:$n::2 dstport 4789 nolearning
		link set vx4 arp off up
		link set vx6 arp off up
	END
done
need in_col sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
# Two rules, no map: looking for a set, nf_tables itself offends PROVE_RCU.
need in_col nft -f - <<-'END'
	table ip balance {
		chain pre {
			type nat hook prerouting priority dstnat
			ip daddr != 192.0.2.9 accept
			udp dport 4789 jhash ip saddr . udp sport mod 2 0 dnat to 10.9.1.2
			udp dport 4789 dnat to 10.9.2.2
		}
	}
	table ip6 balance {
		chain pre {
			type nat hook prerouting priority dstnat
			ip6 daddr != 2001:db8:9::9 accept
			udp dport 4789 jhash ip6 saddr . udp sport mod 2 0 dnat to 2001:db8:9:1::2
			udp dport 4789 dnat to 2001:db8:9:2::2
		}
	}
END
need in_src tc qdisc add dev eth0 clsact
for n in 1 2; do
	need wait_for 5 is_up r$n eth0
	need ip netns exec r$n ping -q -c 1 -W 5 192.0.2.9
	need ip netns exec r$n ping -q -c 1 -W 5 2001:db8:9::9
	# shellcheck disable=SC2086
	{
	capture r$n vx4 "vx4_$n" -Q in $ROOM
	capture r$n vx6 "vx6_$n" -Q in $ROOM
	}
done
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9
# shellcheck disable=SC2086
capture src eth0 in -Q in $ROOM
check "traffic" python3 /selftests/tests/encaps-balance_traffic.py
capture_stop
finish
