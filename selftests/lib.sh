# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests, in a VM: TAP, the usual topology, captures, counters.
#
# A test sources this file and ends with `finish`; without the plan that it
# prints the test counts as failed.  "# timeout: N" in a test's head gives it
# more than two minutes.  If tests/NAME.py exists, it runs on the host when the
# VM is gone, with the directory of the results (captures, log) as argument.
set -u

TESTS=0
FAILURES=0
declare -A CAPTURES=()		# name -> pid of its tcpdump

# --- TAP

# To the results, and to the kernel's log: there it shows what a splat followed.
tap() {
	local line="$*"
	echo "$line"
	echo "<5>mirrorx-bed: | ${line:0:500}" >/dev/kmsg
}

diagnose() { sed 's/^/# /'; }

ok() { tap "ok $((++TESTS)) - $*"; }

not_ok() {
	((++FAILURES))
	tap "not ok $((++TESTS)) - $*"
}

skip() { tap "ok $((++TESTS)) - $1 # SKIP $2"; }	# DESC WHY

# Runs a command (no subshell: it may be a function that sets variables) and
# reports whether it succeeded; what it printed is shown only if it did not.
check() {	# DESC COMMAND...
	local desc=$1 printed=/tmp/check.$BASHPID status
	shift
	"$@" >"$printed" 2>&1 && ok "$desc" && return
	status=$?
	not_ok "$desc"
	echo "# status $status from: $*"
	diagnose <"$printed"
	return 1
}

# As in: check "refused" fails tc ...
fails() { ! "$@"; }

# What the test cannot go on without.
need() {	# COMMAND...
	"$@" && return
	tap "Bail out! failed: $*"
	exit 1
}

finish() {
	capture_stop
	echo "1..$TESTS"
	exit $((FAILURES != 0))
}

wait_for() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

# --- topology
#
#   peer ----------------------------- src ------------------------------ col
#   eth0  198.51.100.0/24          eth0   und0   192.0.2.0/24            eth0
#   .2 ::2  2001:db8:1::/64      .1 ::1   .1 ::1  2001:db8:9::/64      .9 ::9
#
# src is the host whose traffic is mirrored, col the collector.

in_src() { ip netns exec src "$@"; }
in_peer() { ip netns exec peer "$@"; }
in_col() { ip netns exec col "$@"; }

netns() {	# NAME
	ip netns add "$1"
	ip -n "$1" link set lo up
	ip netns exec "$1" sysctl -qw net.ipv6.conf.{all,default}.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0
}

veth() {	# MTU NS DEV NS DEV
	ip link add "$3" netns "$2" mtu "$1" type veth \
		peer name "$5" netns "$4" mtu "$1"
}

is_up() { [[ $(ip -n "$1" -br link show dev "$2") == *" UP "* ]]; }	# NS DEV

address() {	# NS DEV ADDRESS...
	local ns=$1 dev=$2 addr
	shift 2
	for addr; do
		[[ $addr != *:* ]] || addr+=" nodad"
		echo "address add $addr dev $dev"
	done | ip -n "$ns" -batch -
	ip -n "$ns" link set "$dev" up
}

topo() {	# [MTU of the underlay, 9000]
	local ns
	for ns in src peer col; do
		need netns "$ns"
	done
	need veth 1500 src eth0 peer eth0
	need veth "${1:-9000}" src und0 col eth0
	need address src eth0 198.51.100.1/24 2001:db8:1::1/64
	need address peer eth0 198.51.100.2/24 2001:db8:1::2/64
	need address src und0 192.0.2.1/24 2001:db8:9::1/64
	need address col eth0 192.0.2.9/24 2001:db8:9::9/64
	for ns in "src eth0" "src und0" "peer eth0" "col eth0"; do
		# shellcheck disable=SC2086
		need wait_for 5 is_up $ns
	done
}

# --- captures

capture() {	# NS DEV NAME [FILTER...]
	local ns=$1 dev=$2 name=$3 said=$OUT/$3.tcpdump
	shift 3
	ip netns exec "$ns" tcpdump -i "$dev" -n -s 0 -U --immediate-mode -Z root \
		-w "$OUT/$name.pcap" "$@" 2>"$said" &
	CAPTURES[$name]=$!
	until [[ $(<"$said") == *"listening on"* ]]; do
		need kill -0 ${CAPTURES[$name]}
		sleep 0.02
	done
}

# Twice asleep with nothing written in between: it has seen all there was.
drained() {	# PID FILE
	local was=-1 now state
	while
		now=$(stat -c %s "$2")
		read -r _ _ state _ <"/proc/$1/stat"
		[[ $state != S || $now != "$was" ]]
	do
		was=$now
		sleep 0.05
	done
}

capture_stop() {	# [NAME...]: all if none is named
	local name
	(($#)) || set -- "${!CAPTURES[@]}"
	for name; do
		need drained "${CAPTURES[$name]}" "$OUT/$name.pcap"
		kill -INT "${CAPTURES[$name]}"
		wait "${CAPTURES[$name]}"
		unset "CAPTURES[$name]"
	done
}

packets() {	# NAME [FILTER...]: how many packets of a capture match
	local name=$1
	shift
	tcpdump -n -Z root -r "$OUT/$name.pcap" "$@" 2>/dev/null | wc -l
}

# --- counters

# One counter of the mirrorx actions at a hook of a device of src, summed.
stat_get() {	# DEV ingress|egress KEY
	in_src tc -j -s filter show dev "$1" "$2" |
		jq --arg key "$3" '[.. | objects | .mirrorx_stats? // empty | .[$key]] | add // 0'
}
