# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests, in a VM: TAP, the usual topology, captures, counters.
#
# A test sources this file and ends with `finish`; without the plan that it
# prints the test counts as failed.  "# timeout: N" in a test's head gives it
# another limit than five minutes, "# cpus: N" a VM with so many CPUs, "# boot:
# WORDS" one with these on its kernel's command line (but a kernel of debug/, which
# has no use for those that there are).  With "# data: DIR/PROGRAM.py" the test finds
# what that program prints on the host in /selftests/PROGRAM.data.  With "# on demand:
# WHY" it runs only if it is named, with "# user space" not on a kernel that looks
# for bugs of its own.  If tests/NAME.py
# exists, it runs on the host when the VM is gone, with the directory of the results
# (captures, log) as argument.
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
	local desc=$1 printed=/run/check.$BASHPID status
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

# sleep, without a process.
exec {NEVER}<> <(:)
pause() { read -rt "$1" -u "$NEVER" || :; }

wait_for() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1 * ${PATIENCE:-1}))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		pause 0.05
	done
}

# For tests that rely on the order of what the kernel sends by itself: its timers
# run on any CPU.  The bed brings the others back.
one_cpu() {
	local cpu
	for cpu in /sys/devices/system/cpu/cpu*/online; do
		[[ ! -w $cpu ]] || echo 0 >"$cpu"
	done
}

# --- topology
#
#   peer ----------------------------- src ------------------------------ col
#   eth0  198.51.100.0/24          eth0   und0   192.0.2.0/24            eth0
#   .2 ::2  2001:db8:1::/64      .1 ::1   .1 ::1  2001:db8:9::/64      .9 ::9
#
# src is the host whose traffic is mirrored, col the collector.  Addresses are
# usable at once: no duplicate address detection in these VMs (vm/init).

in_src() { ip netns exec src "$@"; }
in_peer() { ip netns exec peer "$@"; }
in_col() { ip netns exec col "$@"; }

is_up() { [[ $(ip -n "$1" -br link show dev "$2") == *" UP "* ]]; }	# NS DEV

# One process for many changes: every one of them is slow without hardware.
topo() {	# [MTU of the underlay, 9000]
	local mtu=${1:-9000}
	need ip -batch - <<-END
		netns add src
		netns add peer
		netns add col
		link add eth0 netns src mtu 1500 type veth peer name eth0 netns peer mtu 1500
		link add und0 netns src mtu $mtu type veth peer name eth0 netns col mtu $mtu
	END
	need ip -n src -batch - <<-END
		link set lo up
		address add 198.51.100.1/24 dev eth0
		address add 2001:db8:1::1/64 dev eth0
		link set eth0 up
		address add 192.0.2.1/24 dev und0
		address add 2001:db8:9::1/64 dev und0
		link set und0 up
	END
	need ip -n peer -batch - <<-END
		link set lo up
		address add 198.51.100.2/24 dev eth0
		address add 2001:db8:1::2/64 dev eth0
		link set eth0 up
	END
	need ip -n col -batch - <<-END
		link set lo up
		address add 192.0.2.9/24 dev eth0
		address add 2001:db8:9::9/64 dev eth0
		link set eth0 up
	END
	need wait_for 5 is_up peer eth0
	need wait_for 5 is_up col eth0
	need wait_for 5 is_up src und0
}

# --- captures

capture() {	# NS DEV NAME [FILTER...]
	local ns=$1 dev=$2 name=$3 said=$OUT/$3.tcpdump
	shift 3
	: >"$said"
	ip netns exec "$ns" tcpdump -i "$dev" -n -s 0 -U --immediate-mode -Z root \
		-w "$OUT/$name.pcap" "$@" 2>"$said" &
	CAPTURES[$name]=$!
	until [[ $(<"$said") == *"listening on"* ]]; do
		need kill -0 "${CAPTURES[$name]}"
		pause 0.02
	done
}

# Twice asleep with nothing written in between: it has seen all there was.
drained() {	# PID
	local was=() now state
	while
		mapfile -t now <"/proc/$1/io"
		read -r _ _ state _ <"/proc/$1/stat"
		[[ $state != S || ${now[*]} != "${was[*]}" ]]
	do
		was=("${now[@]}")
		pause 0.05
	done
}

capture_stop() {	# [NAME...]: all if none is named
	local name
	(($#)) || set -- "${!CAPTURES[@]}"
	for name; do
		need drained "${CAPTURES[$name]}"
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
