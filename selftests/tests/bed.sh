#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The test bed itself: namespaces, traffic, captures, modules, time.
. /selftests/lib.sh

MODULES="dummy veth vxlan geneve ip_gre ip6_gre ipip sit ip6_tunnel ip_vti 8021q bonding team
	vrf bridge br_netfilter macvlan macvtap ipvlan tun tap wireguard ifb nlmon macsec
	mpls_router mpls_iptunnel sctp psample pktgen fou l2tp_eth
	act_mirred act_gact act_sample act_skbedit act_pedit act_vlan act_csum act_police
	act_tunnel_key act_ct act_mpls act_bpf act_connmark
	cls_matchall cls_flower cls_u32 cls_basic cls_bpf cls_fw em_u32 em_meta em_cmp
	sch_ingress sch_fq sch_fq_codel sch_netem sch_tbf sch_htb sch_prio sch_ets sch_mqprio
	nf_tables nft_ct nft_compat nft_nat nft_masq nft_log nft_limit nf_conntrack nf_nat
	nft_chain_nat nf_dup_ipv4 nft_dup_ipv4 xt_TEE
	esp4 esp6 ah4 xfrm_user xfrm_interface af_key gcm seqiv authenc hmac cbc
	echainiv chacha20poly1305"

# Which Debian's 5.10 has not
[[ $(uname -r) = 5.10.* ]] || MODULES+=" tls"
# Built in where it is no module any more
! modinfo -n sha256_generic >/dev/null 2>&1 || MODULES+=" sha256_generic"
# What is built in Debian 11's modprobe finds by aliases alone, which this has not
grep -q /mpls_gso.ko "/lib/modules/$(uname -r)/modules.builtin" || MODULES+=" mpls_gso"

topo
check "IPv4 passes" in_src ping -c 3 -i 0.05 -W 5 198.51.100.2
check "IPv6 passes" in_src ping -c 3 -i 0.05 -W 5 2001:db8:1::2
check "the collector answers" in_src ping -c 1 -W 5 192.0.2.9
check "peer and collector do not know each other" fails in_peer ping -c 1 -W 1 192.0.2.9

capture peer eth0 pings icmp
in_src ping -q -c 5 -i 0.02 198.51.100.2 >&2
capture_stop pings
check "a capture has every packet" test "$(packets pings)" -eq 10

in_src tc qdisc add dev eth0 clsact
in_src tc filter add dev eth0 ingress matchall action gact pass
check "no mirrorx action, no counters" test "$(stat_get eth0 ingress sent)" -eq 0

# shellcheck disable=SC2086
check "every module loads" modprobe -a $MODULES

check "the clock is set" test "$(date +%Y)" -ge 2024
check "scapy" python3 -c 'from scapy.all import Ether, IP; bytes(Ether() / IP())'
check "a reply that netfilter would drop is dropped" eval '
	in_peer nft add table ip t &&
	in_peer nft add chain ip t input "{ type filter hook input priority 0; policy drop; }" &&
	! in_src ping -q -c 1 -W 1 198.51.100.2'
finish
