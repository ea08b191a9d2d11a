#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Real traffic, mirrored both ways, and unpacked by the kernel's erspan devices.
. /selftests/lib.sh

PEER4=198.51.100.2 PEER6=2001:db8:1::2

# Runs a command in the mirrored host and leaves it for the reader.
shown() {
	echo "$*" >>"$OUT/commands"
	in_src "$@"
}

# A device of the collector that unpacks one session, and is mute.
monitor() {	# SESSION
	ip -n col link add "mon$1" type erspan local 192.0.2.9 remote 192.0.2.1 \
		seq key "$1" erspan_ver 2 &&
		in_col sysctl -qw "net.ipv6.conf.mon$1.disable_ipv6=1" &&
		in_col ethtool -K "mon$1" gro off &&
		ip -n col link set "mon$1" arp off up
}

serve() {
	mkdir -p www &&
		seq 40000 >www/file &&
		in_peer busybox httpd -p 80 -h www &&
		in_peer busybox httpd -p "[::]:8080" -h www &&
		in_peer dnsmasq --conf-file=/dev/null --pid-file --no-resolv --no-hosts \
			--user=root --address="/www.example/$PEER4" --address="/www.example/$PEER6" &&
		in_peer iperf3 -s -D
}

download() {	# PORT HOST
	in_src busybox wget -q -O got "http://$2:$1/file" && cmp got www/file
}

bulk() {	# OPTION...
	in_src iperf3 -c "$PEER4" -n 1M "$@"
}

step() { tap "# $*"; }

step "a host, its peer and a collector"
topo
# What a capture shows is what the wire carries only without offloads.
for ns in src peer; do
	need ip netns exec $ns ethtool -K eth0 tx off tso off gso off gro off >&2
done
step "servers for DNS, HTTP and iperf3; erspan devices in the collector"
need monitor 1
need monitor 2
need serve

# Without a carrier nothing moves, so that no frame is too early for one of the
# captures and in time for the other.
ip -n peer link set eth0 down
step "mirror, and capture at both ends"
shown tc qdisc add dev eth0 clsact
shown tc filter add dev eth0 ingress matchall action mirrorx dst_ip 192.0.2.9 id 1
shown tc filter add dev eth0 egress matchall action mirrorx dst_ip 192.0.2.9 id 2
in_src ping -q -c 1 -W 5 192.0.2.9 >&2
# A small snapshot length leaves room for more packets in tcpdump's buffer.
capture src eth0 source-1 -s 2000 -B 8192 -Q in
capture src eth0 source-2 -s 2000 -B 8192 -Q out
capture col mon1 collector-1 -s 2000 -B 8192 -Q in
capture col mon2 collector-2 -s 2000 -B 8192 -Q in
capture col eth0 erspan -s 2000 -B 8192 proto gre
need ip -n peer link set eth0 up
need ip -n peer address add $PEER6/64 dev eth0
need wait_for 5 is_up src eth0

step "traffic"
check "ping" in_src ping -c 3 -i 0.1 -W 5 "$PEER4"
check "ping over IPv6" in_src ping -c 3 -i 0.1 -W 5 "$PEER6"
check "DNS" in_src busybox nslookup www.example "$PEER4"
check "HTTP download" download 80 "$PEER4"
check "HTTP download over IPv6" download 8080 "[$PEER6]"
check "TCP bulk, sent" bulk
check "TCP bulk, received" bulk -R

step "collect"
ip -n peer link set eth0 down
capture_stop
in_src tc -s filter show dev eth0 ingress >"$OUT/stats-1"
in_src tc -s filter show dev eth0 egress >"$OUT/stats-2"
for hook in ingress egress; do
	in_src tc -j -s filter show dev eth0 $hook >"$OUT/$hook.json"
done
check "no capture lost a packet" eval '! grep -v "^0" <(grep -h dropped "$OUT"/*.tcpdump)'
finish
