#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own forwarding test of the same name, with mirrorx in place of mirred and a tunnel.
# timeout: 3600
. /selftests/lib.sh
script=${TEST:?}.sh
cd /selftests/tests/linux/net/forwarding || exit 1

[[ -e /var/run ]] || ln -s /run /var/run	# for teamd

# What the kernel's tests do to a tunnel device and nobody can do to an action.
DOES_NOT_APPLY="
mirror_gre_changes test_tun_up	a session cannot be set down
mirror_gre_changes test_tun_del	an action that a filter uses cannot be deleted
"

mapfile -t tests < <(sed -n '/^ALL_TESTS="/,/"$/{s/.*="//; s/"//; s/^\s*//; /./p}' "$script")
while read -r of name why; do
	[[ $of == "$TEST" ]] || continue
	left=()
	for test in "${tests[@]}"; do
		[[ $test == "$name" ]] || left+=("$test")
	done
	((${#left[@]} < ${#tests[@]})) || need false "$name is not in $script any more"
	tests=("${left[@]}")
	echo "# $name does not apply: $why"
done <<<"$DOES_NOT_APPLY"

TESTS="${tests[*]}" bash "./$script" >"$OUT/said" 2>&1
status=$?
diagnose <"$OUT/said"
while IFS= read -r line; do
	case $line in
	"TEST: "*"[RETRY]") ;;
	"TEST: "*"[ OK ]") ok "$TEST: $(sed -E 's/^TEST: +//; s/ +\[ OK \]$//' <<<"$line")" ;;
	"TEST: "*) not_ok "$TEST: ${line#TEST: }" ;;
	esac
done <"$OUT/said"
((TESTS >= ${#tests[@]})) || not_ok "$TEST: $TESTS results of ${#tests[@]} tests"
((status == 0 || FAILURES)) || not_ok "$TEST: exit status $status"
finish
