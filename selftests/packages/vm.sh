#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: vm.sh [VERSION]
#
# Runs as a service of a system where mirrorx was installed from its packages, and
# ends with that system.  With a VERSION, upgrades them to that, and removes them,
# too.  Prints TAP.
export PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive
count=0

check() {	# DESCRIPTION COMMAND...
	local description=$1 said
	shift
	if said=$("$@" 2>&1); then
		echo "ok $((++count)) - $description"
	else
		echo "not ok $((++count)) - $description"
		echo "# ${said//$'\n'/$'\n# '}"
	fi
}

fails() { ! "$@"; }
where() { cat /sys/module/act_mirrorx/sections/.text; }
loaded() { [[ -e /sys/module/act_mirrorx ]]; }
in_peer() { ip netns exec peer "$@"; }
in_collector() { ip netns exec collector "$@"; }

wait_for() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.2
	done
}

link() {	# NAMESPACE DEVICE LOCAL REMOTE
	ip netns add "$1"
	ip link add "$2" type veth peer name eth0 netns "$1"
	# udev gives it another MAC address, which neighbours notice late
	udevadm settle
	ip address add "$3/24" dev "$2"
	ip link set "$2" up
	ip -n "$1" address add "$4/24" dev eth0
	ip -n "$1" link set eth0 up
}

monitor() {	# DEVICE SESSION
	ip -n collector link add "$1" type erspan local 192.0.2.9 remote 192.0.2.1 \
		seq key "$2" erspan_ver 2
	ip -n collector link set "$1" up
}

topo() {
	link collector under0 192.0.2.1 192.0.2.9
	monitor mon7 7
	monitor mon8 8
	link peer eth0 198.51.100.1 198.51.100.2
	tc qdisc add dev eth0 clsact
}

mirror() { tc filter add dev eth0 ingress matchall action mirrorx dst_ip 192.0.2.9 id 7; }
sent() { tc -s filter show dev eth0 ingress | sed -n 's/.*copies: sent \([0-9]*\) .*/\1/p'; }
received() { in_collector cat /sys/class/net/"$1"/statistics/rx_packets; }

# What was sent has arrived, and is at least so many packets.
arrived() {	# PACKETS
	wait_for 10 all_there "$1" && return
	echo "sent $(sent), received $(received mon7)"
	return 1
}

all_there() {	# PACKETS
	local sent
	sent=$(sent)
	((sent >= $1 && sent == $(received mon7)))
}

# /etc/mirrorx/eth1.conf and wrong.conf have been there since before the boot.
sessions() {
	local before
	check "systemd says which line of a file is wrong" \
		grep -q '/etc/mirrorx/wrong.conf:3: ' <(journalctl -b -u mirrorx@wrong)
	check "what waits for a device is not started" fails systemctl -q is-active mirrorx@eth1
	link other eth1 203.0.113.1 203.0.113.2
	check "with the device systemd starts the session" wait_for 60 systemctl -q is-active mirrorx@eth1
	before=$(received mon8)
	check "it can be reached" ip netns exec other ping -q -c 10 -i 0.05 -W 5 203.0.113.1
	check "and what it sends and receives is copied" wait_for 10 copied $((before + 20))
	check "as mirrorx says, too" grep -q 'mirroring$' <(mirrorx status eth1)
	ip link del eth1
	ip netns del other
	check "it ends with the device" wait_for 60 fails systemctl -q is-active mirrorx@eth1
	link other eth1 203.0.113.1 203.0.113.2
	check "and comes back with it" wait_for 60 systemctl -q is-active mirrorx@eth1
	ip link del eth1
	ip netns del other
	link other eth1 203.0.113.1 203.0.113.2
	check "also if the device was away for a moment only" wait_for 60 mirrorx status eth1
}

copied() { (($(received mon8) >= $1)); }

# What the kernel has counted: ping itself may be too busy for an answer.
icmp() {	# COUNTER [COMMAND...]
	local name=$1
	shift
	# shellcheck disable=SC2016
	"$@" awk -v name="$name" '
		/^Icmp:/ && at { print $at }
		/^Icmp:/ { for (i = 2; i <= NF; i++) if ($i == name) at = i }' /proc/net/snmp
}

# Requests and answers that are on their way, or lost
on_their_way() {
	echo $(($(icmp OutEchos in_peer) - $(icmp InEchos) + $(icmp OutEchoReps) - $(icmp InEchoReps in_peer)))
}

# All have passed the mirror, and reached who asks.
all_passed() {	# FILE ON-THEIR-WAY-BEFORE
	cat "$1"
	echo "sent $(icmp OutEchos in_peer), received $(icmp InEchos), answered $(icmp OutEchoReps)," \
		"answers $(icmp InEchoReps in_peer); before $2 less"
	(($(on_their_way) == $2 && $(icmp OutEchoReps) == $(icmp InEchos) && $(icmp InEchos) > 100))
}

only_version() {	# VERSION
	dkms status
	dkms status | grep -q "act_mirrorx/$1.*installed" && ! dkms status | grep -v "act_mirrorx/$1"
}

# apt in full view, as it takes minutes
upgrade() {
	local before way
	before=$(where)
	way=$(on_their_way)
	echo "# upgrading under load, a few minutes"
	# of its own what runs beside a shell ignores SIGINT
	ip netns exec peer env --default-signal=INT ping -q -i 0.02 198.51.100.1 >/root/ping &
	apt-get install -y -q /root/newer/*.deb >/root/log 2>&1
	check "the packages are upgraded" test $? -eq 0
	kill -INT $!
	wait $!
	check "dkms has the new version only" only_version "$1"
	check "no packet was lost meanwhile" all_passed /root/ping "$way"
	check "each has its copy" arrived 100
	check "the module in use is the one from before" \
		test "$(where)" = "${before:?}"
}

removed() {
	find / -xdev \( -path /root -o -path /proc -o -path /sys \) -prune -o -name '*mirrorx*' -print \
		>/root/left
	grep -l mirrorx /lib/modules/*/modules.* >>/root/left
	cat /root/left
	[[ ! -s /root/left ]]
}

purge() {
	tc qdisc del dev eth0 clsact
	apt-get purge -y -q mirrorx tc-mirrorx act-mirrorx-dkms >/root/log 2>&1
	check "the packages are purged" test $? -eq 0
	check "and nothing is left of them" removed
	check "nor mirrored" fails grep -q . <(tc filter show dev eth1 ingress)
	check "the module can be unloaded" wait_for 10 rmmod act_mirrorx
}

check "the module is not loaded" fails loaded
topo
check "tc loads it" mirror
check "now it is" loaded
check "what tc sees is answered" in_peer ping -q -c 20 -i 0.05 -W 5 198.51.100.1
check "and copied" arrived 20
sessions
if [[ ${1-} ]]; then
	upgrade "$1"
	purge
fi
echo "1..$count"
systemctl --force poweroff
