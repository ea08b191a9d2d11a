# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What is measured, and how its packets are sent.
#
# d0 is mirrored, d1 the underlay, d2 what mirred mirrors to without a tunnel.
# All are dummies: what they are sent, they count and drop.
. /selftests/lib.sh

# What each case costs is given over its base.  "packets" is a kind that
# prepare() knows.  "shows" names what grows by one with each packet, which is
# checked: a device's tx_packets, a counter of mirrorx, or what a listener got.
# A device that it does not name stays as it is.
#
# case base packets directions sizes shows action
cases() {
	cat <<-EOT
	baseline              baseline       plain rx,tx 64,512,1500 -         -
	mirred-dummy          baseline       plain rx,tx 64,512,1500 d2        mirred egress mirror dev d2
	mirred-gretap         baseline       plain rx,tx 64,512,1500 d1        mirred egress mirror dev gre1
	mirred-vxlan          baseline       plain rx,tx 64,512,1500 d1        mirred egress mirror dev vx1
	mirred-erspan         baseline       plain rx,tx 64,512,1500 d1        mirred egress mirror dev ers1
	sample-trunc128       baseline       plain rx,tx 64,512,1500 listener  sample rate 1 group 1 trunc 128
	mirrorx               baseline       plain rx,tx 64,512,1500 d1,sent   mirrorx $SESSION
	mirrorx-trunc128      baseline       plain rx,tx 64,512,1500 d1,sent   mirrorx $SESSION trunc 128
	mirrorx-type2         baseline       plain rx,tx 64,1500     d1,sent   mirrorx $SESSION2
	mirrorx-platf7        baseline       plain rx    64,1500     d1,sent   mirrorx $SESSION subheader 7
	mirrorx-hwid-cpu      baseline       plain rx    64,1500     d1,sent   mirrorx $SESSION_CPU
	mirrorx-vxlan         baseline       plain rx,tx 64,1500     d1,sent   mirrorx $SESSION_VXLAN
	mirrorx-vxlan-trunc128 baseline      plain rx    1500        d1,sent   mirrorx $SESSION_VXLAN trunc 128
	mirrorx-geneve        baseline       plain rx    64          d1,sent   mirrorx $SESSION_GENEVE
	mirrorx-gretap        baseline       plain rx    64          d1,sent   mirrorx $SESSION_GRETAP
	mirrorx-l4            baseline       plain rx    64,1500     d1,sent   mirrorx $SESSION trunc l4
	baseline-sum          baseline-sum   sum   rx    1500        -         -
	mirrorx-sum-trunc128  baseline-sum   sum   rx    1500        d1,sent   mirrorx $SESSION trunc 128
	mirrorx-fixlen        baseline-sum   sum   rx    1500        d1,sent   mirrorx $SESSION trunc 128 fixlen
	mirrorx-l4-fixlen     baseline-sum   sum   rx    1500        d1,sent   mirrorx $SESSION trunc l4+86 fixlen
	mirrorx-unsampled     baseline       plain rx,tx 64,512,1500 unsampled mirrorx $SESSION sample $RARE
	mirrorx-flow          baseline       plain rx,tx 64,1500     unsampled mirrorx $SESSION sample $RARE flow
	baseline-new          baseline-new   new   tx    64          -         -
	mirrorx-flow-new      baseline-new   new   tx    64          unsampled mirrorx $SESSION sample $RARE flow
	baseline-ipv6         baseline-ipv6  ipv6  rx    128         -         -
	mirrorx-flow-ipv6     baseline-ipv6  ipv6  rx    128         unsampled mirrorx $SESSION sample $RARE flow
	mirrorx-flow-inner    baseline       plain rx    64,1500     unsampled mirrorx $SESSION sample $RARE flow flow_inner
	baseline-vxlan        baseline-vxlan vxlan rx    128         -         -
	mirrorx-flow-vxlan    baseline-vxlan vxlan rx    128         unsampled mirrorx $SESSION sample $RARE flow flow_inner
	mirrorx-spread        baseline       plain rx    64,1500     d1,sent   mirrorx ${SESSION/10.0.0.2/10.0.0.2,10.0.0.3} spread flow
	mirrorx-anonymize     mirrorx        plain rx    64,1500     d1,sent   mirrorx $SESSION $ANONYMIZE
	mirrorx-anonymize-mac mirrorx        plain rx    64,1500     d1,sent   mirrorx $SESSION $ANONYMIZE anonymize_mac
	mirrorx-zero-payload  mirrorx        plain rx    64,1500     d1,sent   mirrorx $SESSION zero_payload
	baseline-frags        baseline-frags frags rx    1500        -         -
	mirrorx-frags         baseline-frags frags rx    1500        d1,sent   mirrorx $SESSION
	baseline-loop         baseline-loop  copy  rx    64,1500     -         $TO_COPY
	mirrorx-loop          baseline-loop  copy  rx    64,1500     loop      $TO_COPY action mirrorx $SESSION
	baseline-own          baseline-own   seen  rx    64,1500     d1,sent   mirrorx $SESSION index 7
	mirrorx-own           baseline-own   own   rx    64,1500     d1,sent,loop mirrorx $SESSION index 7
	baseline-gso          baseline-gso   gso   rx    1500        -         -
	mirrorx-gso           baseline-gso   gso   rx    1500        d1,sent   mirrorx $SESSION
	mirrorx-gso-trunc128  baseline-gso   gso   rx    1500        d1,sent   mirrorx $SESSION trunc 128
	mirrorx-crowd         baseline       crowd rx    64          d1,sent   mirrorx $SESSION
	mirrorx-gso-unsampled baseline-gso   gso   rx    1500        unsampled mirrorx $SESSION sample $RARE
	EOT
}
# Says and does what ers1 does.
SESSION="dst_ip 10.0.0.2 src_ip 10.0.0.1 id 100 erspan_dir ingress erspan_hwid 17"
SESSION2="dst_ip 10.0.0.2 src_ip 10.0.0.1 id 100 erspan_ver 1"
SESSION_CPU="dst_ip 10.0.0.2 src_ip 10.0.0.1 id 100 erspan_dir ingress erspan_hwid cpu"
# These do what vx1 and gre1 do, less its key.
SESSION_VXLAN="dst_ip 10.0.0.2 src_ip 10.0.0.1 encap vxlan vni 42"
SESSION_GENEVE="dst_ip 10.0.0.2 src_ip 10.0.0.1 encap geneve vni 42"
SESSION_GRETAP="dst_ip 10.0.0.2 src_ip 10.0.0.1 encap gretap"
ANONYMIZE="anonymize 1522178d33a4cf80130a5b1649907d10d8988f837979652762574c2d2a842202"
RARE=4294967295			# so rare that it is never
# pktgen sends UDP only; with ports that read as GRE with a sequence number and
# ERSPAN type III, it takes no more than this to look like a copy come back.
TO_COPY="pedit munge ip protocol set 47 pipe"

devices() {
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 &&
	ip -batch - <<-EOT &&
	link add d0 address 02:00:00:00:00:01 type dummy
	link add d1 address 02:00:00:00:01:01 mtu 9000 type dummy
	link add d2 mtu 9000 type dummy
	address add 10.0.0.1/24 dev d1
	link set d0 up
	link set d1 up
	link set d2 up
	neighbour add 10.0.0.2 lladdr 02:00:00:00:01:02 dev d1 nud permanent
	neighbour add 10.0.0.3 lladdr 02:00:00:00:01:03 dev d1 nud permanent
	link add gre1 mtu 8000 type gretap local 10.0.0.1 remote 10.0.0.2 key 7
	link add vx1 mtu 8000 type vxlan id 42 local 10.0.0.1 remote 10.0.0.2 dstport 4789 dev d1 noudpcsum
	link add ers1 mtu 8000 type erspan local 10.0.0.1 remote 10.0.0.2 seq key 100 erspan_ver 2 erspan_dir ingress erspan_hwid 17
	link set gre1 up
	link set vx1 up
	link set ers1 up
	EOT
	ethtool -K d0 tx off &&		# checksums are finished
	ip tuntap add t0 mode tap vnet_hdr &&
	ip link set t0 up &&
	tc qdisc add dev d0 clsact &&
	tc qdisc add dev t0 clsact
}

pktgen() {	# FILE COMMAND...
	local file=/proc/net/pktgen/$1 command
	shift
	for command; do
		echo "$command" >"$file" || return
	done
}

# rx: one skb is received again and again, and dropped by the filter.
# tx: each packet is allocated, filled, sent, and dropped by the device.
prepare_pktgen() {	# rx|tx FRAGMENTS SOURCEPORT[-LAST] DESTPORT COMMAND...
	local mode=(queue_xmit)
	[[ $1 = tx ]] || mode=(netif_receive "burst 32")
	pktgen d0 "burst 1" "xmit_mode ${mode[0]}" "${mode[@]:1}" "frags $2" \
		"flag !UDPCSUM" "flag !IPV6" "${@:5}" \
		"udp_src_min ${3%-*}" "udp_src_max ${3#*-}" "udp_dst_min $4" "udp_dst_max $4"
}

# Sets DEV and SEND to where the packets pass, and what sends them, UNDERLAY to what
# happens to copies, and CROWD to how many other actions there are.
# shellcheck disable=SC2034
prepare() {	# rx|tx plain|sum|frags|copy|seen|own|crowd|new|ipv6|vxlan|gso
	DEV=d0 SEND=send_pktgen UNDERLAY='' CROWD=0
	case $2 in
	crowd)	CROWD=500 ;;&
	seen)	UNDERLAY="action gact pass" ;;&
	own)	UNDERLAY="action mirrorx index 7 action gact pass" ;;&
	plain | seen | own | crowd)
		prepare_pktgen "$1" 0 9 9 ;;
	sum)	prepare_pktgen "$1" 0 9 9 "flag UDPCSUM" ;;	# else 0, for none
	frags)	prepare_pktgen "$1" 2 9 9 ;;	# all but the headers in pages
	copy)	prepare_pktgen "$1" 0 4096 8939 ;;
	new)	prepare_pktgen "$1" 0 1000-60999 9 ;;	# each of another flow than those before
	vxlan)	prepare_pktgen "$1" 0 9 4789 ;;	# by its flags; what is in it is no IP
	ipv6)	prepare_pktgen "$1" 0 9 9 "src6 2001:db8::2" "dst6 2001:db8::1" ;;
	gso)	DEV=t0 SEND=send_gso ;;		# 64 KB, of which each frame counts
	*)	false ;;
	esac
}

crowd() {	# actions of other sessions
	local id
	for ((id = 501; id <= 500 + CROWD; id++)); do
		echo "action add action mirrorx dst_ip 10.0.0.2 id $id index $((1000 + id))"
	done
}

filter() {	# rx|tx ACTION: what happens to the packets
	local dev action='' hook=egress verdict=pass
	[[ $1 = tx ]] || hook=ingress verdict=drop
	[[ $2 = - ]] || action="action $2"
	for dev in d0 t0; do
		tc filter del dev $dev ingress
		tc filter del dev $dev egress
	done
	tc qdisc del dev d1 clsact
	tc action flush action mirrorx
	crowd | tc -batch - || return
	# shellcheck disable=SC2086
	tc filter add dev "$DEV" $hook matchall $action action gact $verdict || return
	[[ $UNDERLAY ]] || return 0
	# shellcheck disable=SC2086
	tc qdisc add dev d1 clsact && tc filter add dev d1 egress matchall $UNDERLAY
}

# These set RESULT to "MICROSECONDS PACKETS".
send_pktgen() {	# SIZE COUNT
	pktgen d0 "pkt_size $(($1 - 4))" "count $2" &&	# a size on the wire has the FCS
	pktgen pgctrl start || return
	RESULT=$(grep '^Result: OK' /proc/net/pktgen/d0) || return
	[[ $RESULT =~ OK:\ ([0-9]+)\(.*\)\ usec,\ ([0-9]+)\  ]] || return
	RESULT="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
}

send_gso() { RESULT=$(/selftests/tests/gso.py "$DEV" "$1" "$2"); }

need modprobe -a pktgen psample tun act_mirrorx
need devices
need pktgen kpktgend_0 "add_device d0"
need pktgen d0 "delay 0" "clone_skb 0" "dst_mac 02:00:00:00:00:01" \
	"dst 198.18.0.1" "src_min 198.18.0.2" "src_max 198.18.0.2"
sleep 3				# what booting has deferred
