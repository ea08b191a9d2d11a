#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copies have pseudonyms of addresses, by Crypto-PAn, and checksums that fit them.
# timeout: 400
. /selftests/lib.sh

ROOM="-s 17000 -B 65536"
# the sample of Crypto-PAn's authors
export KEY=1522178d33a4cf80130a5b1649907d10d8988f837979652762574c2d2a842202
WEAK="The key is weak"

topo
need modprobe -a 8021q sch_ingress cls_matchall
for ns in src peer; do
	need ip netns exec $ns ethtool -K eth0 tx off tso off gso off gro off
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

# --- keys

add() { in_src tc actions add action mirrorx dst_ip 192.0.2.9 index 7 "$@"; }

refused() {	# WHAT-IS-SAID WORDS...
	local said=$1 printed
	shift
	printed=$(add "$@" 2>&1) && echo "accepted" && return 1
	echo "$printed"
	grep -q -e "$said" <<<"$printed"
}

echo "$KEY" >/run/key
echo "not a key" >/run/nokey
check "all bytes the same: refused" refused "$WEAK" anonymize "$(printf '5a%.0s' {1..32})"
check "a half with all bytes the same: refused" refused "$WEAK" anonymize "$(printf '00%.0s' {1..16})${KEY:32}"
check "both halves the same: refused" refused "$WEAK" anonymize "${KEY:0:32}${KEY:0:32}"
check "too short: refused" refused "64 hex" anonymize "${KEY:2}"
check "too long: refused" refused "64 hex" anonymize "${KEY}00"
check "no hexadecimal digits: refused" refused "64 hex" anonymize "${KEY:0:62}xy"
check "a fingerprint: refused" refused "fingerprint" anonymize id 0123456789abcdef
check "no file: refused" refused "file" anonymize file /run/none
check "a file without a key: refused" refused "64 hex" anonymize file /run/nokey
check "twice: refused" refused "duplicate" anonymize "$KEY" anonymize "$KEY"
check "anonymize_mac alone: refused" refused "anonymize_mac needs anonymize" anonymize_mac
check "a key goes in, and never comes out" eval '
	said=$(python3 /selftests/tests/anonymize-raw.py) && echo "$said" &&
	grep -q "^1\.\." <<<"$said" && ! grep "^not ok" <<<"$said"'

check "a key in a file" add anonymize file /run/key
need eval 'in_src tc -j actions list action mirrorx >"$OUT/shown.json"'
check "its fingerprint is shown" eval 'in_src tc actions list action mirrorx | grep "anonymize id [0-9a-f]\{16\}"'
check "replacing it without the key says so" eval '
	in_src tc actions replace action mirrorx dst_ip 192.0.2.9 index 7 2>&1 | grep "real addresses"'
check "and is seen" eval '! in_src tc actions list action mirrorx | grep anonymize'
need in_src tc actions flush action mirrorx

# --- packets

# shellcheck disable=SC2086
{
capture src eth0 in -Q in $ROOM
capture src eth0 out -Q out $ROOM
capture peer eth0 received -Q in $ROOM
capture col eth0 copies -Q in $ROOM
}
check "traffic" python3 /selftests/tests/anonymize_traffic.py
capture_stop
finish
