# SPDX-License-Identifier: GPL-2.0-only
"""The tc action mirrorx, for pyroute2.

    import pyroute2, pyroute2_mirrorx

    pyroute2_mirrorx.register()
    with pyroute2.IPRoute() as ip:
        ip.tc("add-filter", "matchall", eth0, parent=0xfffffff2, action={
            "kind": "mirrorx", "dst_ip": "192.0.2.9", "id": 7, "trunc": 128})

Keys are the words of tc-mirrorx(8), and "action" for what becomes of the packet
then (pyroute2's tc_actions, "pipe" if it is not given); values are numbers,
addresses, the words that tc has for them, or hexadecimal digits for a key.
"""
import ipaddress

from pyroute2.netlink import NLA_F_NESTED, nla
from pyroute2.netlink.rtnl.tcmsg import common_act
from pyroute2.netlink.rtnl.tcmsg.common import tc_actions

WORDS = {
    "erspan_dir": {"auto": 0, "ingress": 1, "egress": 2},
    "erspan_hwid": {"cpu": 64},
    "timestamp": {"100us": 0, "100ns": 1, "ns": 2},
    "subheader": {"none": 0},
    "vlan_tag": {"keep": 0, "strip": 1},
    "trunc_after": {"l2": 1, "l3": 2, "l4": 3},
    "oversize": {"cut": 0, "fragment": 1, "split": 2},
    "encap": {"erspan": 0, "gretap": 1, "vxlan": 2, "geneve": 3},
    "sample_mode": {"random": 0, "every": 1, "flow": 2},
    "spread": {"none": 0, "flow": 1, "copy": 2},
}
ATTRIBUTES = {
    "dev": "IFINDEX", "limit": "LIMIT_RATE", "burst": "LIMIT_BURST", "limit_packets": "LIMIT_PACKETS",
    "burst_packets": "LIMIT_PACKET_BURST",
    **{key: key.upper() for key in (
        "id", "erspan_ver", "erspan_dir", "erspan_hwid", "sgt", "timestamp", "subheader", "port",
        "vlan_tag", "trunc", "trunc_after", "fixlen", "oversize", "sample", "plaintext", "tos", "ttl",
        "mark", "priority", "sample_mode", "sample_burst", "flow_seed", "flow_inner",
        "encap", "vni", "dst_port", "spread", "zero_payload")},
    "anonymize_mac": "ANON_MAC",
}
OTHERS = ("kind", "action", "index", "dst_ip", "src_ip", "anonymize")


class options(nla):
    """TCA_ACT_OPTIONS, as in <linux/tc_act/tc_mirrorx.h>"""

    nla_flags = NLA_F_NESTED
    prefix = "TCA_MIRRORX_"
    nla_map = (
        ("TCA_MIRRORX_UNSPEC", "none"),
        ("TCA_MIRRORX_TM", "times"),
        ("TCA_MIRRORX_PARMS", "parms"),
        ("TCA_MIRRORX_PAD", "hex"),
        ("TCA_MIRRORX_DST_IP4", "ip4addr"),
        ("TCA_MIRRORX_DST_IP6", "ip6addr"),
        ("TCA_MIRRORX_SRC_IP4", "ip4addr"),
        ("TCA_MIRRORX_SRC_IP6", "ip6addr"),
        ("TCA_MIRRORX_IFINDEX", "uint32"),
        ("TCA_MIRRORX_ID", "uint32"),
        ("TCA_MIRRORX_ERSPAN_VER", "uint32"),
        ("TCA_MIRRORX_ERSPAN_DIR", "uint32"),
        ("TCA_MIRRORX_ERSPAN_HWID", "uint32"),
        ("TCA_MIRRORX_SGT", "uint32"),
        ("TCA_MIRRORX_TIMESTAMP", "uint32"),
        ("TCA_MIRRORX_TRUNC", "uint32"),
        ("TCA_MIRRORX_SAMPLE", "uint32"),
        ("TCA_MIRRORX_TOS", "uint32"),
        ("TCA_MIRRORX_TTL", "uint32"),
        ("TCA_MIRRORX_MARK", "uint32"),
        ("TCA_MIRRORX_PRIORITY", "uint32"),
        ("TCA_MIRRORX_STATS", "counters"),
        ("TCA_MIRRORX_SUBHEADER", "uint32"),
        ("TCA_MIRRORX_PORT", "uint32"),
        ("TCA_MIRRORX_VLAN_TAG", "uint32"),
        ("TCA_MIRRORX_TRUNC_AFTER", "uint32"),
        ("TCA_MIRRORX_FIXLEN", "uint32"),
        ("TCA_MIRRORX_OVERSIZE", "uint32"),
        ("TCA_MIRRORX_LIMIT_RATE", "uint64"),
        ("TCA_MIRRORX_LIMIT_BURST", "uint32"),
        ("TCA_MIRRORX_LIMIT_PACKETS", "uint32"),
        ("TCA_MIRRORX_LIMIT_PACKET_BURST", "uint32"),
        ("TCA_MIRRORX_PLAINTEXT", "uint32"),
        ("TCA_MIRRORX_SAMPLE_MODE", "uint32"),
        ("TCA_MIRRORX_SAMPLE_BURST", "uint32"),
        ("TCA_MIRRORX_FLOW_SEED", "uint64"),
        ("TCA_MIRRORX_FLOW_INNER", "uint32"),
        ("TCA_MIRRORX_ENCAP", "uint32"),
        ("TCA_MIRRORX_VNI", "uint32"),
        ("TCA_MIRRORX_DST_PORT", "uint32"),
        ("TCA_MIRRORX_MORE_IP4", "cdata"),
        ("TCA_MIRRORX_MORE_IP6", "cdata"),
        ("TCA_MIRRORX_SPREAD", "uint32"),
        ("TCA_MIRRORX_COLLECTORS", "cdata"),
        ("TCA_MIRRORX_ANON_KEY", "cdata"),
        ("TCA_MIRRORX_ANON_ID", "uint64"),
        ("TCA_MIRRORX_ANON_MAC", "uint32"),
        ("TCA_MIRRORX_ZERO_PAYLOAD", "uint32"),
    )

    class parms(nla):
        fields = (("index", "I"), ("capab", "I"), ("action", "i"), ("refcnt", "i"), ("bindcnt", "i"))

    class times(nla):
        fields = (("install", "Q"), ("lastuse", "Q"), ("expires", "Q"), ("firstuse", "Q"))

    class counters(nla):
        prefix = "TCA_MIRRORX_STATS_"
        nla_map = (("TCA_MIRRORX_STATS_UNSPEC", "none"), ("TCA_MIRRORX_STATS_PAD", "hex")) + tuple(
            (f"TCA_MIRRORX_STATS_{name}", "uint64") for name in (
                "SENT", "BYTES", "TRUNCATED", "CUT", "UNSAMPLED", "LOOP", "SECRET", "NO_ROUTE",
                "NO_NEIGH", "DEV_DOWN", "MTU", "NO_MEM", "BAD_FRAME", "XMIT", "FRAGMENTED", "SPLIT",
                "UNFIXED", "REBUILT", "LIMITED", "CONGESTED", "IN_FLIGHT", "IN_FLIGHT_MAX"))


def address(which, text):
    ip = ipaddress.ip_address(text)
    return [f"TCA_MIRRORX_{which}_IP{ip.version}", str(ip)]


def addresses(texts):
    """Those of further collectors"""
    ips = list(map(ipaddress.ip_address, texts))
    return [f"TCA_MIRRORX_MORE_IP{ips[0].version}", b"".join(ip.packed for ip in ips)]


def get_parameters(kwarg):
    """The options of an action, from words and values."""
    for key in kwarg:
        if key not in ATTRIBUTES and key not in OTHERS:
            raise ValueError(f"mirrorx: {key}: there is no such option")
    control = kwarg.get("action", "pipe")
    attrs = [["TCA_MIRRORX_PARMS", {"index": int(kwarg.get("index", 0)),
                                    "action": tc_actions.get(control, control)}]]
    for key, which in ("dst_ip", "DST"), ("src_ip", "SRC"):
        if key in kwarg:
            first, *more = kwarg[key].split(",")
            attrs.append(address(which, first))
            if more:
                attrs.append(addresses(more))
    if "anonymize" in kwarg:
        attrs.append(["TCA_MIRRORX_ANON_KEY", bytes.fromhex(kwarg["anonymize"])])
    for key, name in ATTRIBUTES.items():
        if key in kwarg:
            value = WORDS.get(key, {}).get(kwarg[key], kwarg[key])
            attrs.append([f"TCA_MIRRORX_{name}", int(value)])
    return {"attrs": attrs}


class _Plugin:
    options = options
    get_parameters = staticmethod(get_parameters)


def register():
    """Let pyroute2 know of it."""
    common_act.plugins["mirrorx"] = _Plugin
