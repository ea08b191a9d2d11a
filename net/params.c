// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameters of an action: netlink attributes to a snapshot, and back.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "mirrorx.h"

#define SESSION_MAX	1023

#define VNI_MAX		0xffffff

#define VXLAN_PORT	4789
#define GENEVE_PORT	6081

/* The Hw ID has room for so many CPUs. */
#define HWID_CPUS	64

/* NLA_POLICY_RANGE() holds no more than an s16. */
static struct netlink_range_validation ifindex_range = {
	.min = 1,
	.max = S32_MAX,
};

static struct netlink_range_validation u16_range = {
	.max = U16_MAX,
};

static struct netlink_range_validation udp_port_range = {
	.min = 1,
	.max = U16_MAX,
};

static struct netlink_range_validation vni_range = {
	.max = VNI_MAX,
};

static const struct nla_policy mirrorx_policy[TCA_MIRRORX_MAX + 1] = {
	[TCA_MIRRORX_TM] = {
		.type = NLA_REJECT,
		.reject_message = "Times are output only",
	},
	[TCA_MIRRORX_PARMS] =
		NLA_POLICY_EXACT_LEN(sizeof(struct tc_mirrorx)),
	[TCA_MIRRORX_PAD] = {
		.type = NLA_REJECT,
		.reject_message = "Padding is output only",
	},
	[TCA_MIRRORX_DST_IP4] = { .type = NLA_BE32 },
	[TCA_MIRRORX_DST_IP6] =
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[TCA_MIRRORX_SRC_IP4] = { .type = NLA_BE32 },
	[TCA_MIRRORX_SRC_IP6] =
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[TCA_MIRRORX_IFINDEX] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
	[TCA_MIRRORX_ID] = NLA_POLICY_MAX(NLA_U32, SESSION_MAX),
	[TCA_MIRRORX_ERSPAN_VER] =
		NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_ERSPAN_MAX),
	[TCA_MIRRORX_ERSPAN_DIR] = NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_DIR_MAX),
	[TCA_MIRRORX_ERSPAN_HWID] = NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_HWID_CPU),
	[TCA_MIRRORX_SGT] = NLA_POLICY_FULL_RANGE(NLA_U32, &u16_range),
	[TCA_MIRRORX_TIMESTAMP] =
		NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_TIMESTAMP_MAX),
	[TCA_MIRRORX_TRUNC] = NLA_POLICY_FULL_RANGE(NLA_U32, &u16_range),
	[TCA_MIRRORX_SAMPLE] = NLA_POLICY_MIN(NLA_U32, 1),
	[TCA_MIRRORX_TOS] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[TCA_MIRRORX_TTL] = NLA_POLICY_RANGE(NLA_U32, 1, U8_MAX),
	[TCA_MIRRORX_MARK] = { .type = NLA_U32 },
	[TCA_MIRRORX_PRIORITY] = { .type = NLA_U32 },
	[TCA_MIRRORX_STATS] = {
		.type = NLA_REJECT,
		.reject_message = "Counters are output only",
	},
	[TCA_MIRRORX_SUBHEADER] = NLA_POLICY_MAX(NLA_U32, 7),
	[TCA_MIRRORX_PORT] = { .type = NLA_U32 },
	[TCA_MIRRORX_VLAN_TAG] =
		NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_VLAN_TAG_MAX),
	[TCA_MIRRORX_TRUNC_AFTER] =
		NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_HEADER_MAX),
	[TCA_MIRRORX_FIXLEN] = NLA_POLICY_MAX(NLA_U32, 1),
	[TCA_MIRRORX_OVERSIZE] =
		NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_OVERSIZE_MAX),
	[TCA_MIRRORX_LIMIT_RATE] = { .type = NLA_U64 },
	[TCA_MIRRORX_LIMIT_BURST] = { .type = NLA_U32 },
	[TCA_MIRRORX_LIMIT_PACKETS] = { .type = NLA_U32 },
	[TCA_MIRRORX_LIMIT_PACKET_BURST] = { .type = NLA_U32 },
	[TCA_MIRRORX_PLAINTEXT] = NLA_POLICY_MAX(NLA_U32, 1),
	[TCA_MIRRORX_SAMPLE_MODE] =
		NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_SAMPLE_MAX),
	[TCA_MIRRORX_SAMPLE_BURST] = NLA_POLICY_MIN(NLA_U32, 1),
	[TCA_MIRRORX_FLOW_SEED] = { .type = NLA_U64 },
	[TCA_MIRRORX_FLOW_INNER] = NLA_POLICY_MAX(NLA_U32, 1),
	[TCA_MIRRORX_MORE_IP4] = { .type = NLA_BINARY },
	[TCA_MIRRORX_MORE_IP6] = { .type = NLA_BINARY },
	[TCA_MIRRORX_SPREAD] = NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_SPREAD_MAX),
	[TCA_MIRRORX_COLLECTORS] = {
		.type = NLA_REJECT,
		.reject_message = "What collectors got is output only",
	},
	[TCA_MIRRORX_ENCAP] = NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_ENCAP_MAX),
	[TCA_MIRRORX_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &vni_range),
	[TCA_MIRRORX_DST_PORT] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &udp_port_range),
	[TCA_MIRRORX_ANON_KEY] = NLA_POLICY_EXACT_LEN(MIRRORX_PAN_KEY_LEN),
	[TCA_MIRRORX_ANON_ID] = {
		.type = NLA_REJECT,
		.reject_message = "The key's fingerprint is output only",
	},
	[TCA_MIRRORX_ANON_MAC] = NLA_POLICY_MAX(NLA_U32, 1),
	[TCA_MIRRORX_ZERO_PAYLOAD] = NLA_POLICY_MAX(NLA_U32, 1),
};

static u32 get_u32(const struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/* An address that means one host, to others too */
static bool is_unicast_ipv4(__be32 addr)
{
	return !ipv4_is_zeronet(addr) && !ipv4_is_loopback(addr) &&
	       !ipv4_is_multicast(addr) && !ipv4_is_lbcast(addr);
}

static bool is_unicast_ipv6(const struct in6_addr *addr)
{
	return !ipv6_addr_any(addr) && !ipv6_addr_loopback(addr) &&
	       !ipv6_addr_is_multicast(addr) && !ipv6_addr_v4mapped(addr);
}

static int check_ipv4(__be32 addr, const struct nlattr *attr,
		      struct netlink_ext_ack *extack)
{
	if (is_unicast_ipv4(addr))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "dst_ip is not a unicast address of a collector");
	return -EADDRNOTAVAIL;
}

static int check_ipv6(const struct in6_addr *addr, bool dev,
		      const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	if (!IS_ENABLED(CONFIG_IPV6) || !ipv6_mod_enabled()) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "dst_ip is IPv6, which this kernel has not enabled");
		return -EAFNOSUPPORT;
	}
	if (!is_unicast_ipv6(addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "dst_ip is not a unicast address of a collector");
		return -EADDRNOTAVAIL;
	}
	if (ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL && !dev) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "dst_ip is a link-local address, which needs dev");
		return -EINVAL;
	}
	return 0;
}

static int parse_dst(struct mirrorx_encap_conf *conf, struct nlattr **tb,
		     struct netlink_ext_ack *extack)
{
	const struct nlattr *dst4 = tb[TCA_MIRRORX_DST_IP4];
	const struct nlattr *dst6 = tb[TCA_MIRRORX_DST_IP6];
	struct in6_addr addr6;
	__be32 addr4;

	if (dst4 && dst6) {
		NL_SET_ERR_MSG_ATTR(extack, dst6,
				    "Two collectors: dst_ip is IPv4 and IPv6");
		return -EINVAL;
	}
	if (dst4) {
		addr4 = nla_get_in_addr(dst4);
		memcpy(conf->daddr, &addr4, sizeof(addr4));
		return check_ipv4(addr4, dst4, extack);
	}

	addr6 = nla_get_in6_addr(dst6);
	memcpy(conf->daddr, &addr6, sizeof(addr6));
	conf->ipv6 = true;
	return check_ipv6(&addr6, tb[TCA_MIRRORX_IFINDEX], dst6, extack);
}

/* How many collectors there are, or an error */
static int count_collectors(struct nlattr **tb, struct netlink_ext_ack *extack)
{
	bool ipv6 = tb[TCA_MIRRORX_MORE_IP6];
	const struct nlattr *more = tb[ipv6 ? TCA_MIRRORX_MORE_IP6 :
					      TCA_MIRRORX_MORE_IP4];
	size_t len = ipv6 ? sizeof(struct in6_addr) : sizeof(__be32);
	bool spread = tb[TCA_MIRRORX_SPREAD] &&
		      nla_get_u32(tb[TCA_MIRRORX_SPREAD]);

	if (!more && spread) {
		NL_SET_ERR_MSG_ATTR(extack, tb[TCA_MIRRORX_SPREAD],
				    "spread needs several collectors");
		return -EINVAL;
	}
	if (!more)
		return 1;
	if (!spread) {
		NL_SET_ERR_MSG_ATTR(extack, more,
				    "Several collectors need spread");
		return -EINVAL;
	}
	if (tb[ipv6 ? TCA_MIRRORX_DST_IP4 : TCA_MIRRORX_DST_IP6] ||
	    (ipv6 && tb[TCA_MIRRORX_MORE_IP4])) {
		NL_SET_ERR_MSG_ATTR(extack, more,
				    "The collectors are of different families");
		return -EINVAL;
	}
	if (!nla_len(more) || nla_len(more) % len) {
		NL_SET_ERR_MSG_ATTR(extack, more,
				    "This is no array of addresses");
		return -EINVAL;
	}
	if (nla_len(more) / len > MIRRORX_COLLECTORS_MAX - 1) {
		NL_SET_ERR_MSG_ATTR(extack, more, "More than 64 collectors");
		return -E2BIG;
	}
	return 1 + nla_len(more) / len;
}

static int parse_collector(const struct mirrorx_params *params, u32 i,
			   struct nlattr **tb, struct netlink_ext_ack *extack)
{
	const u8 *daddr = params->collector[i].daddr;
	struct in6_addr addr6;
	__be32 addr4;
	u32 other;

	for (other = 0; other < i; other++) {
		if (memcmp(params->collector[other].daddr, daddr, 16))
			continue;
		NL_SET_ERR_MSG_ATTR(extack, tb[params->conf.ipv6 ?
					       TCA_MIRRORX_MORE_IP6 :
					       TCA_MIRRORX_MORE_IP4],
				    "The same collector twice");
		return -EINVAL;
	}
	if (params->conf.ipv6) {
		memcpy(&addr6, daddr, sizeof(addr6));
		return check_ipv6(&addr6, params->ifindex,
				  tb[TCA_MIRRORX_MORE_IP6], extack);
	}
	memcpy(&addr4, daddr, sizeof(addr4));
	return check_ipv4(addr4, tb[TCA_MIRRORX_MORE_IP4], extack);
}

static int parse_collectors(struct mirrorx_params *params, struct nlattr **tb,
			    struct netlink_ext_ack *extack)
{
	bool ipv6 = params->conf.ipv6;
	size_t len = ipv6 ? sizeof(struct in6_addr) : sizeof(__be32);
	const struct nlattr *more = tb[ipv6 ? TCA_MIRRORX_MORE_IP6 :
					      TCA_MIRRORX_MORE_IP4];
	int err = 0;
	u32 i;

	memcpy(params->collector[0].daddr, params->conf.daddr,
	       sizeof(params->conf.daddr));
	for (i = 1; !err && i < params->collectors; i++) {
		memcpy(params->collector[i].daddr,
		       nla_data(more) + (i - 1) * len, len);
		err = parse_collector(params, i, tb, extack);
	}
	return err;
}

static int parse_src(struct mirrorx_encap_conf *conf, struct nlattr **tb,
		     struct netlink_ext_ack *extack)
{
	const struct nlattr *src4 = tb[TCA_MIRRORX_SRC_IP4];
	const struct nlattr *src6 = tb[TCA_MIRRORX_SRC_IP6];
	struct in6_addr addr6;
	__be32 addr4;

	if (conf->ipv6 ? !!src4 : !!src6) {
		NL_SET_ERR_MSG_ATTR(extack, conf->ipv6 ? src4 : src6,
				    "src_ip and dst_ip are of different families");
		return -EINVAL;
	}
	if (src4) {
		addr4 = nla_get_in_addr(src4);
		if (!is_unicast_ipv4(addr4)) {
			NL_SET_ERR_MSG_ATTR(extack, src4,
					    "src_ip is not a unicast address that a collector could see");
			return -EADDRNOTAVAIL;
		}
		memcpy(conf->saddr, &addr4, sizeof(addr4));
	}
	if (src6) {
		addr6 = nla_get_in6_addr(src6);
		if (!is_unicast_ipv6(&addr6)) {
			NL_SET_ERR_MSG_ATTR(extack, src6,
					    "src_ip is not a unicast address that a collector could see");
			return -EADDRNOTAVAIL;
		}
		memcpy(conf->saddr, &addr6, sizeof(addr6));
	}
	return 0;
}

static int parse_dev(struct mirrorx_params *params, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	const struct net_device *dev;

	if (!attr)
		return 0;

	params->ifindex = nla_get_u32(attr);
	rcu_read_lock();
	dev = dev_get_by_index_rcu(params->net, params->ifindex);
	if (dev)
		strscpy(params->ifname, dev->name, sizeof(params->ifname));
	rcu_read_unlock();
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "dev does not exist");
		return -ENODEV;
	}
	return 0;
}

static int parse_trunc(struct mirrorx_params *params, struct nlattr **tb,
		       struct netlink_ext_ack *extack)
{
	const struct nlattr *trunc = tb[TCA_MIRRORX_TRUNC];

	params->trunc = get_u32(trunc, 0);
	params->trunc_after = get_u32(tb[TCA_MIRRORX_TRUNC_AFTER],
				      TC_MIRRORX_HEADER_NONE);
	params->fixlen = get_u32(tb[TCA_MIRRORX_FIXLEN], 0);
	params->oversize = get_u32(tb[TCA_MIRRORX_OVERSIZE],
				   TC_MIRRORX_OVERSIZE_CUT);
	params->keep = params->trunc;
	if (params->trunc_after)
		return 0;

	if (!params->trunc) {
		params->keep = U32_MAX;
		if (!params->fixlen)
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, tb[TCA_MIRRORX_FIXLEN],
				    "fixlen needs trunc");
		return -EINVAL;
	}
	if (params->trunc < ETH_HLEN) {
		NL_SET_ERR_MSG_ATTR(extack, trunc,
				    "trunc leaves no whole Ethernet header of 14 bytes");
		return -ERANGE;
	}
	return 0;
}

/* Of flows; attributes that say nothing are no matter elsewhere */
static int parse_flow(struct mirrorx_params *params, struct nlattr **tb,
		      struct netlink_ext_ack *extack)
{
	const struct nlattr *seed = tb[TCA_MIRRORX_FLOW_SEED];
	const struct nlattr *inner = tb[TCA_MIRRORX_FLOW_INNER];

	params->flow_key.key[0] = seed ? nla_get_u64(seed) : 0;
	params->flow_inner = get_u32(inner, 0);
	if (params->sample_mode == TC_MIRRORX_SAMPLE_FLOW) {
		params->flow_limit = U32_MAX / params->sample;
		return 0;
	}
	if (params->spread == TC_MIRRORX_SPREAD_FLOW)
		return 0;
	if (!params->flow_key.key[0] && !params->flow_inner)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, params->flow_inner ? inner : seed,
			    "flow_seed and flow_inner need sample flow or spread flow");
	return -EINVAL;
}

static int parse_sample(struct mirrorx_params *params, struct nlattr **tb,
			struct netlink_ext_ack *extack)
{
	const struct nlattr *burst = tb[TCA_MIRRORX_SAMPLE_BURST];
	u64 gap;

	params->sample = get_u32(tb[TCA_MIRRORX_SAMPLE], 1);
	params->sample_mode = get_u32(tb[TCA_MIRRORX_SAMPLE_MODE],
				      TC_MIRRORX_SAMPLE_RANDOM);
	params->run = get_u32(burst, 1);

	if (params->sample_mode == TC_MIRRORX_SAMPLE_FLOW && params->run > 1) {
		NL_SET_ERR_MSG_ATTR(extack, burst,
				    "A flow has no burst: sample random and every have");
		return -EINVAL;
	}
	gap = (u64)params->run * (params->sample - 1);
	if (gap > U32_MAX - 1) {
		NL_SET_ERR_MSG_ATTR(extack, burst,
				    "sample with such a burst is too rare to count");
		return -ERANGE;
	}
	if (gap && params->sample_mode == TC_MIRRORX_SAMPLE_RANDOM)
		params->gaps = mirrorx_sample_scale(gap + 1);
	if (gap && params->sample_mode == TC_MIRRORX_SAMPLE_EVERY)
		params->gaps = MIRRORX_EVERY | gap;
	return parse_flow(params, tb, extack);
}

/* What the attributes say about one kind of limit, if they go together */
static int parse_limit(struct mirrorx_limit *limit, u64 rate,
		       const struct nlattr *attr, u32 burst,
		       const struct nlattr *burst_attr,
		       struct netlink_ext_ack *extack)
{
	if (rate && !burst) {
		NL_SET_ERR_MSG_ATTR(extack, burst_attr ?: attr,
				    "limit needs a burst of at least 1");
		return -EINVAL;
	}
	if (burst && !rate) {
		NL_SET_ERR_MSG_ATTR(extack, burst_attr, "burst needs a limit");
		return -EINVAL;
	}
	mirrorx_limit_init(limit, rate, burst);
	return 0;
}

static int parse_limits(struct mirrorx_params *params, struct nlattr **tb,
			struct netlink_ext_ack *extack)
{
	const struct nlattr *rate = tb[TCA_MIRRORX_LIMIT_RATE];
	const struct nlattr *burst = tb[TCA_MIRRORX_LIMIT_BURST];
	const struct nlattr *packets = tb[TCA_MIRRORX_LIMIT_PACKETS];
	const struct nlattr *packet_burst = tb[TCA_MIRRORX_LIMIT_PACKET_BURST];
	int err;

	err = parse_limit(&params->limit[MIRRORX_LIMIT_BYTES],
			  rate ? nla_get_u64(rate) : 0, rate,
			  get_u32(burst, 0), burst, extack);
	if (!err)
		err = parse_limit(&params->limit[MIRRORX_LIMIT_PACKETS],
				  get_u32(packets, 0), packets,
				  get_u32(packet_burst, 0), packet_burst,
				  extack);
	params->limited = params->limit[MIRRORX_LIMIT_BYTES].rate ||
			  params->limit[MIRRORX_LIMIT_PACKETS].rate;
	return err;
}

/* Each subheader says in which unit the time is that it completes. */
static int parse_time(struct mirrorx_encap_conf *conf, struct nlattr **tb,
		      struct netlink_ext_ack *extack)
{
	const struct nlattr *sub = tb[TCA_MIRRORX_SUBHEADER];
	const struct nlattr *timestamp = tb[TCA_MIRRORX_TIMESTAMP];
	const struct nlattr *attr = sub ?: timestamp;

	conf->platf = get_u32(sub, 0);
	conf->timestamp = get_u32(timestamp,
				  conf->platf >= 5 ?
				  TC_MIRRORX_TIMESTAMP_NS :
				  TC_MIRRORX_TIMESTAMP_100US);
	if (conf->timestamp == TC_MIRRORX_TIMESTAMP_NS && !sub)
		conf->platf = 5;

	if (conf->platf && !(conf->platf & 1)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "The subheader is none of 1, 3, 5 and 7");
		return -EINVAL;
	}
	if (conf->platf == 1 && conf->timestamp != TC_MIRRORX_TIMESTAMP_100US) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "subheader 1 takes no timestamp but 100us");
		return -EINVAL;
	}
	if (conf->platf >= 5 && conf->timestamp != TC_MIRRORX_TIMESTAMP_NS) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "subheaders 5 and 7 take no timestamp but ns");
		return -EINVAL;
	}
	if (!conf->platf && conf->timestamp == TC_MIRRORX_TIMESTAMP_NS) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "timestamp ns needs a subheader for its upper half");
		return -EINVAL;
	}
	return 0;
}

static int parse_port(struct mirrorx_params *params, const struct nlattr *attr,
		      struct netlink_ext_ack *extack)
{
	struct mirrorx_encap_conf *conf = &params->conf;
	unsigned int bits = mirrorx_encap_port_bits(conf->type, conf->platf);

	if (!attr) {
		conf->port = params->fixlen ? MIRRORX_PORT_LENGTH :
					      MIRRORX_PORT_IFINDEX;
		return 0;
	}
	conf->port = MIRRORX_PORT_VALUE;
	conf->port_value = nla_get_u32(attr);
	if (!bits) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "port has a place in type II and in subheaders only");
		return -EINVAL;
	}
	if ((u64)conf->port_value >> bits) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "port is too wide for its field in this header");
		return -ERANGE;
	}
	return 0;
}

/* What says something that only type III has a field for, NULL if nothing does */
static const struct nlattr *find_type3(const struct mirrorx_encap_conf *conf,
				       struct nlattr **tb)
{
	if (conf->dir != TC_MIRRORX_DIR_AUTO)
		return tb[TCA_MIRRORX_ERSPAN_DIR];
	if (conf->hwid)
		return tb[TCA_MIRRORX_ERSPAN_HWID];
	if (conf->sgt)
		return tb[TCA_MIRRORX_SGT];
	if (conf->platf)
		return tb[TCA_MIRRORX_SUBHEADER] ?: tb[TCA_MIRRORX_TIMESTAMP];
	if (conf->timestamp != TC_MIRRORX_TIMESTAMP_100US)
		return tb[TCA_MIRRORX_TIMESTAMP];
	return NULL;
}

/* Likewise, that types II and III have one for */
static const struct nlattr *find_type2(const struct mirrorx_encap_conf *conf,
				       struct nlattr **tb)
{
	if (conf->session)
		return tb[TCA_MIRRORX_ID];
	return conf->strip ? tb[TCA_MIRRORX_VLAN_TAG] : NULL;
}

/* What the type has no field for cannot be said, unless it says nothing. */
static int check_type(const struct mirrorx_encap_conf *conf, struct nlattr **tb,
		      struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;

	if (conf->type == TC_MIRRORX_ERSPAN_III)
		return 0;

	attr = find_type3(conf, tb);
	if (attr) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "Only ERSPAN type III has a direction, Hw ID, SGT, timestamp or subheader");
		return -EINVAL;
	}
	if (conf->type == TC_MIRRORX_ERSPAN_II)
		return 0;

	attr = find_type2(conf, tb);
	if (!attr)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "ERSPAN type I has no header for a Session ID or a stripped tag");
	return -EINVAL;
}

/* Nor what only ERSPAN has a field for, in other encapsulations. */
static int check_no_erspan(const struct mirrorx_encap_conf *conf,
			   struct nlattr **tb, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;

	if (conf->type != TC_MIRRORX_ERSPAN_III)
		attr = tb[TCA_MIRRORX_ERSPAN_VER];
	else
		attr = find_type3(conf, tb) ?: find_type2(conf, tb) ?:
		       tb[TCA_MIRRORX_PORT];
	if (!attr)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "Only encap erspan has a type, Session ID, direction, Hw ID, SGT, timestamp, subheader, port or stripped tag");
	return -EINVAL;
}

static int parse_encap(struct mirrorx_encap_conf *conf, struct nlattr **tb,
		       struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = tb[TCA_MIRRORX_DST_PORT];
	u16 port;

	conf->encap = get_u32(tb[TCA_MIRRORX_ENCAP], TC_MIRRORX_ENCAP_ERSPAN);
	conf->vni = get_u32(tb[TCA_MIRRORX_VNI], 0);
	if (mirrorx_encap_proto(conf) == IPPROTO_UDP) {
		port = conf->encap == TC_MIRRORX_ENCAP_VXLAN ? VXLAN_PORT :
							       GENEVE_PORT;
		conf->dst_port = get_u32(attr, port);
		return 0;
	}

	if (conf->vni)
		attr = tb[TCA_MIRRORX_VNI];
	if (!attr)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "Only encap vxlan and encap geneve have a vni and a dst_port");
	return -EINVAL;
}

static int parse_header(struct mirrorx_params *params, struct nlattr **tb,
			struct netlink_ext_ack *extack)
{
	struct mirrorx_encap_conf *conf = &params->conf;
	int err;

	conf->type = get_u32(tb[TCA_MIRRORX_ERSPAN_VER],
			     TC_MIRRORX_ERSPAN_III);
	conf->session = get_u32(tb[TCA_MIRRORX_ID], 0);
	conf->dir = get_u32(tb[TCA_MIRRORX_ERSPAN_DIR], TC_MIRRORX_DIR_AUTO);
	conf->hwid = get_u32(tb[TCA_MIRRORX_ERSPAN_HWID], 0);
	conf->sgt = get_u32(tb[TCA_MIRRORX_SGT], 0);
	conf->strip = get_u32(tb[TCA_MIRRORX_VLAN_TAG],
			      TC_MIRRORX_VLAN_TAG_KEEP) ==
		      TC_MIRRORX_VLAN_TAG_STRIP;
	conf->tos = get_u32(tb[TCA_MIRRORX_TOS], 0);
	conf->ttl = get_u32(tb[TCA_MIRRORX_TTL], IPDEFTTL);

	if (conf->hwid == TC_MIRRORX_HWID_CPU && nr_cpu_ids > HWID_CPUS) {
		NL_SET_ERR_MSG_ATTR(extack, tb[TCA_MIRRORX_ERSPAN_HWID],
				    "erspan_hwid cpu: this machine has more CPUs than the Hw ID can tell");
		return -EOPNOTSUPP;
	}
	err = parse_encap(conf, tb, extack);
	if (!err)
		err = parse_time(conf, tb, extack);
	if (!err && conf->encap != TC_MIRRORX_ENCAP_ERSPAN)
		err = check_no_erspan(conf, tb, extack);
	if (!err)
		err = check_type(conf, tb, extack);
	if (!err)
		err = parse_port(params, tb[TCA_MIRRORX_PORT], extack);
	return err;
}

static int parse_privacy(struct mirrorx_params *params, struct nlattr **tb,
			 struct netlink_ext_ack *extack)
{
	const struct nlattr *key = tb[TCA_MIRRORX_ANON_KEY];
	struct mirrorx_pan *pan;

	params->zero_payload = get_u32(tb[TCA_MIRRORX_ZERO_PAYLOAD], 0);
	params->anon_mac = get_u32(tb[TCA_MIRRORX_ANON_MAC], 0);
	if (!key && !params->anon_mac)
		return 0;
	if (!key) {
		NL_SET_ERR_MSG_ATTR(extack, tb[TCA_MIRRORX_ANON_MAC],
				    "anonymize_mac needs anonymize");
		return -EINVAL;
	}
	pan = mirrorx_pan_new(nla_data(key));
	if (!IS_ERR(pan)) {
		params->pan = pan;
		params->flow_key.key[1] = mirrorx_pan_flows(pan);
		return 0;
	}
	if (PTR_ERR(pan) == -EKEYREJECTED)
		NL_SET_ERR_MSG_ATTR(extack, key,
				    "The key is weak: both halves must be random, and not the same");
	return PTR_ERR(pan);
}

static int parse_params(struct mirrorx_params *params, struct nlattr **tb,
			struct netlink_ext_ack *extack)
{
	struct mirrorx_encap_conf *conf = &params->conf;
	int err;

	params->spread = get_u32(tb[TCA_MIRRORX_SPREAD],
				 TC_MIRRORX_SPREAD_NONE);
	err = parse_dst(conf, tb, extack);
	if (!err)
		err = parse_src(conf, tb, extack);
	if (!err)
		err = parse_dev(params, tb[TCA_MIRRORX_IFINDEX], extack);
	if (!err)
		err = parse_collectors(params, tb, extack);
	if (!err)
		err = parse_trunc(params, tb, extack);
	if (!err)
		err = parse_limits(params, tb, extack);
	if (!err)
		err = parse_sample(params, tb, extack);
	if (!err)
		err = parse_header(params, tb, extack);
	if (!err)
		err = parse_privacy(params, tb, extack);
	if (err)
		return err;

	params->plaintext = get_u32(tb[TCA_MIRRORX_PLAINTEXT], 0);
	params->looks = conf->strip || params->trunc_after ||
			params->spread == TC_MIRRORX_SPREAD_COPY;
	params->amends = params->fixlen || params->plaintext || params->pan ||
			 params->zero_payload;
	params->after = params->amends || params->spread;
	params->mark = get_u32(tb[TCA_MIRRORX_MARK], 0);
	params->priority = get_u32(tb[TCA_MIRRORX_PRIORITY], 0);
	return 0;
}

static bool alloc_flows(struct mirrorx_params *params)
{
	int cpu;

	params->flows = alloc_percpu_gfp(struct mirrorx_flows, GFP_KERNEL_ACCOUNT);
	if (!params->flows)
		return false;
	for_each_possible_cpu(cpu)
		local_lock_init(&per_cpu_ptr(params->flows, cpu)->lock);
	return true;
}

/* Returns 0 or an error; then some may have been joined. */
static int join_collectors(struct mirrorx_params *params)
{
	struct mirrorx_encap_conf conf = params->conf;
	struct mirrorx_collector *collector;
	u32 i;

	for (i = 0; i < params->collectors; i++) {
		collector = &params->collector[i];
		memcpy(conf.daddr, collector->daddr, sizeof(conf.daddr));
		collector->session = mirrorx_session_get(params->net, &conf);
		if (!collector->session)
			return -ENOMEM;
		collector->pmtu = mirrorx_pmtu_get(params, collector->daddr);
		if (IS_ERR(collector->pmtu))
			return PTR_ERR(collector->pmtu);
	}
	return 0;
}

static void leave_collectors(struct mirrorx_params *params)
{
	struct mirrorx_collector *collector;
	u32 i;

	for (i = 0; i < params->collectors; i++) {
		collector = &params->collector[i];
		if (!IS_ERR_OR_NULL(collector->pmtu))
			mirrorx_pmtu_put(collector->pmtu);
		if (collector->session)
			mirrorx_session_put(collector->session);
	}
}

static void free_params(struct mirrorx_params *params)
{
	u32 i;

	for (i = 0; i < params->collectors; i++)
		mirrorx_route_free(rcu_dereference_protected(params->collector[i].route, 1));
	mirrorx_spread_free(params);
	mirrorx_pan_free(params->pan);
	free_percpu(params->flows);
	kfree(params);
}

/**
 * mirrorx_params_new() - make a snapshot of parameters from netlink
 * @net: namespace of the action
 * @mnet: what it keeps for its actions
 * @nla: TCA_ACT_OPTIONS, or NULL
 * @parm: to be filled with what every tc action has
 * @extack: says what was wrong
 *
 * Sleeps.  The rtnl may or may not be held.
 *
 * Return: a snapshot, to be freed with mirrorx_params_free(), or
 * mirrorx_params_retire() once packets have seen it; NULL if the attributes
 * only name an action; or an error
 */
struct mirrorx_params *mirrorx_params_new(struct net *net,
					  struct mirrorx_net *mnet,
					  struct nlattr *nla,
					  struct tc_mirrorx *parm,
					  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[TCA_MIRRORX_MAX + 1];
	struct mirrorx_params *params;
	int err, collectors;

	if (!nla) {
		NL_SET_ERR_MSG(extack, "mirrorx needs options");
		return ERR_PTR(-EINVAL);
	}
	err = nla_parse_nested(tb, TCA_MIRRORX_MAX, nla, mirrorx_policy,
			       extack);
	if (err)
		return ERR_PTR(err);
	if (!tb[TCA_MIRRORX_PARMS]) {
		NL_SET_ERR_MSG(extack, "TCA_MIRRORX_PARMS is missing");
		return ERR_PTR(-EINVAL);
	}
	nla_memcpy(parm, tb[TCA_MIRRORX_PARMS], sizeof(*parm));
	if (!tb[TCA_MIRRORX_DST_IP4] && !tb[TCA_MIRRORX_DST_IP6])
		return NULL;

	collectors = count_collectors(tb, extack);
	if (collectors < 0)
		return ERR_PTR(collectors);
	params = kzalloc(struct_size(params, collector, collectors),
			 GFP_KERNEL_ACCOUNT);
	if (!params)
		return ERR_PTR(-ENOMEM);
	params->collectors = collectors;
	params->net = net;

	err = parse_params(params, tb, extack);
	if (err)
		goto free_params;
	err = -ENOMEM;
	params->by_flow = mirrorx_encap_has_flow(&params->conf) ||
			  params->spread == TC_MIRRORX_SPREAD_FLOW;
	params->flow_keyed = params->flow_limit || params->spread ||
			     params->pan;
	if ((params->flow_limit || params->by_flow) &&
	    !alloc_flows(params))
		goto free_params;
	params->flight = mirrorx_flight_get(mnet);
	if (!params->flight || mirrorx_spread_init(params))
		goto free_params;
	err = join_collectors(params);
	if (err)
		goto leave_collectors;
	return params;

leave_collectors:
	leave_collectors(params);
free_params:
	free_params(params);
	return ERR_PTR(err);
}

static void free_after_grace(struct rcu_head *rcu)
{
	free_params(container_of(rcu, struct mirrorx_params, rcu));
}

/**
 * mirrorx_params_free() - free a snapshot that no packet has seen
 * @params: snapshot, or NULL
 *
 * Sleeps.
 */
void mirrorx_params_free(struct mirrorx_params *params)
{
	if (!params)
		return;
	leave_collectors(params);
	free_params(params);
}

/**
 * mirrorx_params_retire() - free a snapshot when its last reader is done
 * @params: snapshot that no new reader can find, or NULL
 *
 * Sleeps.
 */
void mirrorx_params_retire(struct mirrorx_params *params)
{
	if (!params)
		return;
	leave_collectors(params);
	call_rcu(&params->rcu, free_after_grace);
}

static int dump_addr(struct sk_buff *msg, bool ipv6, int attr4, int attr6,
		     const void *addr)
{
	return ipv6 ? nla_put(msg, attr6, sizeof(struct in6_addr), addr) :
		      nla_put(msg, attr4, sizeof(__be32), addr);
}

static int dump_more(struct sk_buff *msg, const struct mirrorx_params *params)
{
	bool ipv6 = params->conf.ipv6;
	size_t len = ipv6 ? sizeof(struct in6_addr) : sizeof(__be32);
	struct nlattr *attr;
	u32 i;

	if (nla_put_u32(msg, TCA_MIRRORX_SPREAD, params->spread))
		return -EMSGSIZE;
	if (!params->spread)
		return 0;
	attr = nla_reserve(msg, ipv6 ? TCA_MIRRORX_MORE_IP6 :
				       TCA_MIRRORX_MORE_IP4,
			   (params->collectors - 1) * len);
	if (!attr)
		return -EMSGSIZE;
	for (i = 1; i < params->collectors; i++)
		memcpy(nla_data(attr) + (i - 1) * len,
		       params->collector[i].daddr, len);
	return 0;
}

static int dump_path(struct sk_buff *msg, const struct mirrorx_params *params)
{
	const struct mirrorx_encap_conf *conf = &params->conf;
	int ifindex;

	if (dump_addr(msg, conf->ipv6, TCA_MIRRORX_DST_IP4,
		      TCA_MIRRORX_DST_IP6, conf->daddr))
		return -EMSGSIZE;
	if (memchr_inv(conf->saddr, 0, sizeof(conf->saddr)) &&
	    dump_addr(msg, conf->ipv6, TCA_MIRRORX_SRC_IP4,
		      TCA_MIRRORX_SRC_IP6, conf->saddr))
		return -EMSGSIZE;
	if (!params->ifindex)
		return 0;

	rcu_read_lock();
	ifindex = mirrorx_ifindex(params);
	rcu_read_unlock();
	return nla_put_u32(msg, TCA_MIRRORX_IFINDEX,
			   ifindex ?: params->ifindex);
}

static int dump_header(struct sk_buff *msg,
		       const struct mirrorx_encap_conf *conf)
{
	if (nla_put_u32(msg, TCA_MIRRORX_ID, conf->session) ||
	    nla_put_u32(msg, TCA_MIRRORX_ERSPAN_VER, conf->type) ||
	    nla_put_u32(msg, TCA_MIRRORX_ERSPAN_DIR, conf->dir) ||
	    nla_put_u32(msg, TCA_MIRRORX_ERSPAN_HWID, conf->hwid) ||
	    nla_put_u32(msg, TCA_MIRRORX_SGT, conf->sgt) ||
	    nla_put_u32(msg, TCA_MIRRORX_TIMESTAMP, conf->timestamp) ||
	    nla_put_u32(msg, TCA_MIRRORX_TOS, conf->tos) ||
	    nla_put_u32(msg, TCA_MIRRORX_TTL, conf->ttl) ||
	    nla_put_u32(msg, TCA_MIRRORX_SUBHEADER, conf->platf) ||
	    nla_put_u32(msg, TCA_MIRRORX_VLAN_TAG,
			conf->strip ? TC_MIRRORX_VLAN_TAG_STRIP :
				      TC_MIRRORX_VLAN_TAG_KEEP))
		return -EMSGSIZE;
	if (conf->port != MIRRORX_PORT_VALUE)
		return 0;
	return nla_put_u32(msg, TCA_MIRRORX_PORT, conf->port_value);
}

static int dump_sample(struct sk_buff *msg, const struct mirrorx_params *params)
{
	if (nla_put_u32(msg, TCA_MIRRORX_SAMPLE, params->sample) ||
	    nla_put_u32(msg, TCA_MIRRORX_SAMPLE_MODE, params->sample_mode) ||
	    nla_put_u32(msg, TCA_MIRRORX_SAMPLE_BURST, params->run) ||
	    nla_put_u64_64bit(msg, TCA_MIRRORX_FLOW_SEED,
			      params->flow_key.key[0], TCA_MIRRORX_PAD) ||
	    nla_put_u32(msg, TCA_MIRRORX_FLOW_INNER, params->flow_inner))
		return -EMSGSIZE;
	return 0;
}

static int dump_encap(struct sk_buff *msg,
		      const struct mirrorx_encap_conf *conf)
{
	if (nla_put_u32(msg, TCA_MIRRORX_ENCAP, conf->encap) ||
	    nla_put_u32(msg, TCA_MIRRORX_VNI, conf->vni))
		return -EMSGSIZE;
	if (!conf->dst_port)
		return 0;
	return nla_put_u32(msg, TCA_MIRRORX_DST_PORT, conf->dst_port);
}

static int dump_limits(struct sk_buff *msg, const struct mirrorx_limit *limit)
{
	const struct mirrorx_limit *rate = &limit[MIRRORX_LIMIT_BYTES];
	const struct mirrorx_limit *pps = &limit[MIRRORX_LIMIT_PACKETS];

	if (nla_put_u64_64bit(msg, TCA_MIRRORX_LIMIT_RATE, rate->rate,
			      TCA_MIRRORX_PAD) ||
	    nla_put_u32(msg, TCA_MIRRORX_LIMIT_BURST, rate->burst) ||
	    nla_put_u32(msg, TCA_MIRRORX_LIMIT_PACKETS, pps->rate) ||
	    nla_put_u32(msg, TCA_MIRRORX_LIMIT_PACKET_BURST, pps->burst))
		return -EMSGSIZE;
	return 0;
}

/* The key itself is for nobody who asks. */
static int dump_privacy(struct sk_buff *msg,
			const struct mirrorx_params *params)
{
	if (nla_put_u32(msg, TCA_MIRRORX_ANON_MAC, params->anon_mac) ||
	    nla_put_u32(msg, TCA_MIRRORX_ZERO_PAYLOAD, params->zero_payload))
		return -EMSGSIZE;
	if (!params->pan)
		return 0;
	return nla_put_u64_64bit(msg, TCA_MIRRORX_ANON_ID,
				 mirrorx_pan_id(params->pan), TCA_MIRRORX_PAD);
}

/**
 * mirrorx_params_dump() - put all parameters into a message
 * @msg: netlink message
 * @params: snapshot
 *
 * Return: 0, or -EMSGSIZE
 */
int mirrorx_params_dump(struct sk_buff *msg, const struct mirrorx_params *params)
{
	if (dump_path(msg, params) || dump_more(msg, params) ||
	    dump_header(msg, &params->conf) ||
	    dump_limits(msg, params->limit) || dump_sample(msg, params) ||
	    dump_encap(msg, &params->conf) || dump_privacy(msg, params) ||
	    nla_put_u32(msg, TCA_MIRRORX_PLAINTEXT, params->plaintext) ||
	    nla_put_u32(msg, TCA_MIRRORX_TRUNC, params->trunc) ||
	    nla_put_u32(msg, TCA_MIRRORX_TRUNC_AFTER, params->trunc_after) ||
	    nla_put_u32(msg, TCA_MIRRORX_FIXLEN, params->fixlen) ||
	    nla_put_u32(msg, TCA_MIRRORX_OVERSIZE, params->oversize) ||
	    nla_put_u32(msg, TCA_MIRRORX_MARK, params->mark) ||
	    nla_put_u32(msg, TCA_MIRRORX_PRIORITY, params->priority))
		return -EMSGSIZE;
	return 0;
}

/**
 * mirrorx_params_size() - room that mirrorx_params_dump() and
 *	mirrorx_spread_dump() take at most
 * @params: snapshot; under RCU
 *
 * Return: bytes
 */
size_t mirrorx_params_size(const struct mirrorx_params *params)
{
	size_t each = sizeof(struct in6_addr) +
		      sizeof(struct tc_mirrorx_collector);

	return params->collectors * each + 2 * nla_total_size(sizeof(struct in6_addr)) +
	       (TCA_MIRRORX_MAX - TCA_MIRRORX_IFINDEX) *
			nla_total_size(sizeof(u32)) +
	       3 * nla_total_size_64bit(sizeof(u64));
}
