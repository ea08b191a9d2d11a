# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced at the end of mirror_lib.sh, in place of what tc's mirred and tunnel
# devices do there.
#
# A tunnel of the mirroring switch (gt4, gt6) is a mirrorx action with the
# tunnel's addresses, TTL and VRF; mirror_install binds it to a filter, and what
# sets a parameter of the device replaces the action.  The device itself is a
# dummy: it carries addresses.  At the other end (h3-gt4, h3-gt6, gt4-dst) the
# kernel's erspan devices unpack what arrives, if it is for their session.

declare -gA SESSIONS		# tunnel -> its action's words

tunnel_id() {	# NAME: 4 for gt4, h3-gt4 and gt4-dst
	local digits=${1##*gt}
	echo "${digits%%-*}"
}

tunnel_create() {	# NAME gretap|ip6gretap LOCAL REMOTE [OPTION...]
	local name=$1 type=${2/gretap/erspan} local=$3 remote=$4 words id
	shift 4
	id=$(tunnel_id "$name")
	case $name in
	gt[46])
		words="dst_ip $remote src_ip $local id $id"
		while (($#)); do
			case $1 in
			ttl) words+=" ttl $2" ;;
			# A tunnel bound to a device looks for routes in the device's VRF.
			dev) words+=" dev $(command ip -j link show dev "$2" | jq -r '.[].master')" ;;
			tos) [[ $2 == inherit ]] || exit 1 ;;	# mirrorx inherits nothing
			allow-localremote) set -- "$1" "$@" ;;	# needs no leave
			*) exit 1 ;;
			esac
			shift 2
		done
		SESSIONS[$name]=$words
		command ip link add name "$name" type dummy
		# shellcheck disable=SC2086 # a list
		tc actions add action mirrorx $words index "$id"
		# Its receiver insists on the sequence, which ends with a session: this
		# one goes on while the other action is replaced by one to elsewhere.
		# shellcheck disable=SC2086 # a list
		tc actions add action mirrorx $words index "10$id"
		;;
	*)
		command ip link add name "$name" type "$type" local "$local" remote "$remote" \
			seq key "$id" erspan_ver 2 "$@"
		;;
	esac
	command ip link set dev "$name" up
}

tunnel_destroy() {	# NAME
	local id
	command ip link del dev "$1"
	[[ $1 == gt[46] ]] || return 0
	id=$(tunnel_id "$1")
	tc actions delete action mirrorx index "$id" action mirrorx index "10$id"
}

mirror_install() {	# DEV ingress|egress TUNNEL FILTER
	# shellcheck disable=SC2086 # a list
	tc filter add dev "$1" "$2" pref 1000 $4 action mirrorx index "$(tunnel_id "$3")"
}

# "ip link set dev gt4 type gretap ttl 50" and the like are for the action.
ip() {
	local word=${7:-} words
	if [[ "${*:1:3}" != "link set dev" || ${4:-} != gt[46] || ${5:-} != type ]]; then
		command ip "$@"
		return
	fi
	[[ $word != remote ]] || word=dst_ip
	words=$(sed -E "s/\b$word \S+/$word $8/" <<<"${SESSIONS[$4]}")
	SESSIONS[$4]=$words
	# shellcheck disable=SC2086 # a list
	tc actions replace action mirrorx $words index "$(tunnel_id "$4")"
}
