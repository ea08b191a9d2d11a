#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every kind of device, at both hooks; what has no link-layer header gets one.
# timeout: 400
. /selftests/lib.sh

topo
need modprobe -a 8021q bridge bonding macvlan ipvlan tun ipip sit ip_gre ip6_tunnel ip6_gre \
	wireguard vrf ifb dummy sch_ingress cls_matchall act_mirred

for dev in bridged slave enslaved routed; do
	echo "link add $dev netns src type veth peer name $dev netns peer"
done | need ip -batch -

tunnels() {	# HERE HERE6 THERE THERE6
	cat <<-END
		link add vlan link eth0 type vlan id 100
		link add ipip type ipip local $1 remote $3
		link add sit type sit local $1 remote $3
		link add gre type gre local $1 remote $3 key 5
		link add ip6tnl type ip6tnl mode any local $2 remote $4
		link add ip6gre type ip6gre local $2 remote $4
		link add wg type wireguard
	END
}

{
	cat <<-END
		link add bridge type bridge
		link set bridged master bridge up
		link add bond type bond mode active-backup miimon 100
		link set slave master bond
		link add vrf10 type vrf table 10
		link set enslaved master vrf10
		link set routed up
		link add macvlan link routed type macvlan mode bridge
		link add ipvlan link eth0 type ipvlan mode l2
		link add dummy type dummy
		link add ifb type ifb
		tuntap add dev tun mode tun
	END
	tunnels 198.51.100.1 2001:db8:1::1 198.51.100.2 2001:db8:1::2
	for dev in ifb ipvlan dummy; do
		echo "link set $dev up"
	done
} | need ip -n src -batch -
tunnels 198.51.100.2 2001:db8:1::2 198.51.100.1 2001:db8:1::1 | need ip -n peer -batch -

for ns in src peer; do
	wg genkey >/tmp/$ns.key
	wg pubkey </tmp/$ns.key >/tmp/$ns.pub
done
need in_src wg set wg listen-port 5555 private-key /tmp/src.key peer "$(</tmp/peer.pub)" \
	allowed-ips 0.0.0.0/0,::/0 endpoint 198.51.100.2:5555
need in_peer wg set wg listen-port 5555 private-key /tmp/peer.key peer "$(</tmp/src.pub)" \
	allowed-ips 0.0.0.0/0,::/0 endpoint 198.51.100.1:5555

# src's device, and peer's on the other end; by its number it is addressed.
numbered() {	# SIDE: 1 for src, 2 for peer
	local n=0 dev
	while read -r -a dev; do
		: $((++n))
		[[ ${dev[$1 - 1]} != - ]] || continue
		echo "link set ${dev[$1 - 1]} up"
		echo "address add 10.2.$n.$1/24 dev ${dev[$1 - 1]}"
		echo "address add fd00:$n::$1/64 dev ${dev[$1 - 1]}"
	done <<-END
		bridge bridged
		bond slave
		enslaved enslaved
		macvlan routed
		vlan vlan
		ipip ipip
		sit sit
		gre gre
		ip6tnl ip6tnl
		ip6gre ip6gre
		wg wg
		tun -
		vrf10 -
	END
}
# Or the device below macvlan answers for it.
need in_src sysctl -qw net.ipv4.conf.all.arp_ignore=1
numbered 1 | need ip -n src -batch -
numbered 2 | need ip -n peer -batch -
{
	# Without a qdisc of its own a VRF does not see what it sends.
	echo "qdisc add dev vrf10 root pfifo"
	for dev in bridge bridged bond slave vrf10 enslaved macvlan ipvlan vlan ipip sit gre ip6tnl \
		ip6gre wg tun dummy ifb lo eth0; do
		echo "qdisc add dev $dev clsact"
	done
} | need in_src tc -batch -
need wait_for 5 is_up src bond
need in_src ping -q -c 1 -W 5 192.0.2.9

for dev in bridge bridged bond slave enslaved macvlan vlan ipip sit gre ip6tnl ip6gre wg tun lo; do
	capture src $dev $dev-in -Q in -s 3000 -B 1024
	capture src $dev $dev-out -Q out -s 3000 -B 1024
done
for dev in vrf10 ipvlan dummy ifb; do
	capture src $dev $dev-out -Q out -s 3000 -B 1024
done
capture col eth0 copies -Q in -s 3000 -B 16384
check "traffic" python3 /selftests/tests/devices_traffic.py
capture_stop
finish
