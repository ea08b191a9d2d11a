#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A cluster: three workers, each a host with Suricata, share the flows; one dies, and comes back.
# timeout: 400
# data: collectors/suricata_root.py
# user space
. /selftests/lib.sh

# Each worker is a namespace behind a bridge in col, which is the underlay's switch.
WORKERS=(11 12 13)
topo 9000
need modprobe -a sch_ingress cls_matchall bridge nf_tables
# What a capture shows is what the wire carries, and Suricata counts, only without offloads.
for ns in src peer; do
	need ip netns exec $ns ethtool -K eth0 tx off tso off gso off gro off
done
need ip -n col -batch - <<-END
	address flush dev eth0
	link add br0 mtu 9000 type bridge
	link set eth0 master br0
	link set br0 up
END
for n in "${WORKERS[@]}"; do
	need ip netns add "w$n"
	need ip -n col -batch - <<-END
		link add w$n mtu 9000 type veth peer name eth0 netns w$n mtu 9000
		link set w$n master br0 up
	END
	need ip netns exec "w$n" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	need ip -n "w$n" -batch - <<-END
		link set lo up
		address add 192.0.2.$n/24 dev eth0
		link set eth0 up
	END
	# Suricata sees what comes before this; the host would answer it with ICMP.
	need ip netns exec "w$n" nft -f - <<-END
		table ip copies {
			chain input {
				type filter hook input priority 0;
				ip protocol gre drop
			}
		}
	END
done
# How soon it is noticed that nobody answers: Documentation/cluster.md
patience=${PATIENCE:-1}
need in_src sysctl -qw net.ipv4.neigh.und0.delay_first_probe_time="$patience" \
	net.ipv4.neigh.und0.retrans_time_ms=$((500 * patience)) \
	net.ipv4.neigh.und0.base_reachable_time_ms=$((1000 * patience))
need in_src tc qdisc add dev eth0 clsact
for n in "${WORKERS[@]}"; do
	need wait_for 10 in_src ping -q -c 1 -W 1 "192.0.2.$n"
done
need mkdir /tmp/root
need tar -x -z -C /tmp/root -f /selftests/suricata_root.data

capture src eth0 source -s 2000 -B 16384
capture col eth0 copies -Q in -s 2000 -B 16384
check "traffic" python3 /selftests/tests/cluster_traffic.py "${WORKERS[@]}"
capture_stop
check "no capture lost a packet" eval '! grep -v "^0" <(grep -h dropped "$OUT"/*.tcpdump)'
finish
