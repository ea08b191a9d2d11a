#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every kind of device, at both hooks; what has no link-layer header gets one.
# timeout: 180
. /selftests/lib.sh

topo
need modprobe -a 8021q bridge bonding macvlan ipvlan tun ipip sit ip_gre ip6_tunnel ip6_gre \
	wireguard vrf ifb dummy sch_ingress cls_matchall act_mirred

pair() {	# DEV: a veth from src to peer, up
	need veth 1500 src "$1" peer "$1"
	need ip -n src link set "$1" up
	need ip -n peer link set "$1" up
}

both() {	# DEV LINK-ADD-WORDS...: the same on both sides, HERE and THERE filled in
	local dev=$1 ns here=198.51.100.1 there=198.51.100.2 here6=2001:db8:1::1 there6=2001:db8:1::2
	shift
	for ns in src peer; do
		# shellcheck disable=SC2001
		need eval "ip -n $ns link add ${dev@Q} $(sed \
			"s/HERE6/$here6/; s/THERE6/$there6/; s/HERE/$here/; s/THERE/$there/" <<<"$*")"
		here=198.51.100.2 there=198.51.100.1 here6=2001:db8:1::2 there6=2001:db8:1::1
	done
}

for dev in bridged slave enslaved routed; do
	pair $dev
done
need ip -n src link add bridge type bridge
need ip -n src link set bridged master bridge
need ip -n src link set slave down
need ip -n src link add bond type bond mode active-backup miimon 100
need ip -n src link set slave master bond
need ip -n src link add vrf10 type vrf table 10
need ip -n src link set enslaved master vrf10
need ip -n src link add macvlan link routed type macvlan mode bridge
need ip -n src link add ipvlan link eth0 type ipvlan mode l2
need ip -n src link add dummy type dummy
need ip -n src link add ifb type ifb
need ip -n src tuntap add dev tun mode tun
both vlan link eth0 type vlan id 100
both ipip type ipip local HERE remote THERE
both sit type sit local HERE remote THERE
both gre type gre local HERE remote THERE key 5
both ip6tnl type ip6tnl mode any local HERE6 remote THERE6
both ip6gre type ip6gre local HERE6 remote THERE6
both wg type wireguard
for ns in src peer; do
	wg genkey >/tmp/$ns.key
	wg pubkey </tmp/$ns.key >/tmp/$ns.pub
done
need in_src wg set wg listen-port 5555 private-key /tmp/src.key peer "$(</tmp/peer.pub)" \
	allowed-ips 0.0.0.0/0,::/0 endpoint 198.51.100.2:5555
need in_peer wg set wg listen-port 5555 private-key /tmp/peer.key peer "$(</tmp/src.pub)" \
	allowed-ips 0.0.0.0/0,::/0 endpoint 198.51.100.1:5555

# src's device, and peer's on the other end; by its number it is addressed.
n=0
while read -r here there; do
	: $((++n))
	need address src "$here" 10.2.$n.1/24 fd00:$n::1/64
	[[ $there == - ]] || need address peer "$there" 10.2.$n.2/24 fd00:$n::2/64
done <<'E'
bridge bridged
bond slave
vrf10 -
macvlan routed
vlan vlan
ipip ipip
sit sit
gre gre
ip6tnl ip6tnl
ip6gre ip6gre
wg wg
tun -
E
need address src enslaved 10.2.13.1/24 fd00:13::1/64
need address peer enslaved 10.2.13.2/24 fd00:13::2/64
need ip -n src link set ifb up
need ip -n src link set ipvlan up
need ip -n src link set dummy up
# Without a qdisc of its own a VRF does not see what it sends.
need in_src tc qdisc add dev vrf10 root pfifo

for dev in bridge bridged bond slave vrf10 enslaved macvlan ipvlan vlan ipip sit gre ip6tnl ip6gre \
	wg tun dummy ifb lo eth0; do
	need in_src tc qdisc add dev $dev clsact
done
need wait_for 5 is_up src bond
need in_src ping -q -c 1 -W 5 192.0.2.9
for n in 1 2 4 5 6 8 9 10 11; do
	need in_src ping -q -c 1 -W 5 10.2.$n.2
done
for n in 1 2 4 5 7 8 9 10 11; do
	need in_src ping -q -c 1 -W 5 fd00:$n::2
done
for address in 10.2.13.2 fd00:13::2; do
	need in_src ping -q -I vrf10 -c 1 -W 5 $address
done

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
