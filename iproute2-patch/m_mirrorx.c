// SPDX-License-Identifier: GPL-2.0-only
/*
 * m_mirrorx.c	copies of packets to a remote collector in ERSPAN and the like
 *
 * The table of words is the grammar: what a word takes, which attribute it
 * becomes and what the kernel assumes without it.  Parser, text and JSON all
 * walk it.  Ranges are the kernel's, and checked here as well, since it cannot
 * say in words which of them was left.  Words that contradict each other are
 * left to the kernel, which does say it in words.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "utils.h"
#include "tc_util.h"
#include "tc_common.h"
#include <linux/tc_act/tc_mirrorx.h>

#define MIRRORX_KEY_LEN	32

enum mirrorx_value {
	MIRRORX_ADDR,	/* attr if IPv4, attr + 1 if IPv6 */
	MIRRORX_ADDRS,	/* one or more; all but the first in attr2, attr2 + 1 */
	MIRRORX_DEV,
	MIRRORX_NUM,	/* or one of names */
	MIRRORX_HEX,	/* a number that is printed as 0x... */
	MIRRORX_OPT,	/* a number that may be absent, which no number means */
	MIRRORX_NAME,	/* one of names */
	MIRRORX_FLAG,	/* 1 if the word is there */
	MIRRORX_SLICE,	/* a number, or one of names in attr2, + a number */
	MIRRORX_LIMIT,	/* a rate, "burst" and a size; of bytes and of packets */
	MIRRORX_SAMPLE,	/* a number, one of names in attr2, "burst" and a number */
	MIRRORX_SEED,	/* a number of 64 bits */
	MIRRORX_KEY,	/* attr, of which attr2 is all that comes back */
};

#define COLLECTORS_MAX	64

/* By value, with gaps */
static const char * const dir_names[] = {
	[TC_MIRRORX_DIR_AUTO]		= "auto",
	[TC_MIRRORX_DIR_INGRESS]	= "ingress",
	[TC_MIRRORX_DIR_EGRESS]		= "egress",
};

static const char * const hwid_names[] = {
	[TC_MIRRORX_HWID_CPU]		= "cpu",
};

static const char * const timestamp_names[] = {
	[TC_MIRRORX_TIMESTAMP_100US]	= "100us",
	[TC_MIRRORX_TIMESTAMP_100NS]	= "100ns",
	[TC_MIRRORX_TIMESTAMP_NS]	= "ns",
};

static const char * const subheader_names[] = {
	[0] = "none", [1] = "1", [3] = "3", [5] = "5", [7] = "7",
};

static const char * const vlan_tag_names[] = {
	[TC_MIRRORX_VLAN_TAG_KEEP]	= "keep",
	[TC_MIRRORX_VLAN_TAG_STRIP]	= "strip",
};

static const char * const header_names[] = {
	[TC_MIRRORX_HEADER_L2]		= "l2",
	[TC_MIRRORX_HEADER_L3]		= "l3",
	[TC_MIRRORX_HEADER_L4]		= "l4",
};

static const char * const oversize_names[] = {
	[TC_MIRRORX_OVERSIZE_CUT]	= "cut",
	[TC_MIRRORX_OVERSIZE_FRAGMENT]	= "fragment",
	[TC_MIRRORX_OVERSIZE_SPLIT]	= "split",
};

static const char * const encap_names[] = {
	[TC_MIRRORX_ENCAP_ERSPAN]	= "erspan",
	[TC_MIRRORX_ENCAP_GRETAP]	= "gretap",
	[TC_MIRRORX_ENCAP_VXLAN]	= "vxlan",
	[TC_MIRRORX_ENCAP_GENEVE]	= "geneve",
};

static const char * const sample_names[] = {
	[TC_MIRRORX_SAMPLE_RANDOM]	= "random",
	[TC_MIRRORX_SAMPLE_EVERY]	= "every",
	[TC_MIRRORX_SAMPLE_FLOW]	= "flow",
};

#define VXLAN_PORT	4789
#define GENEVE_PORT	6081

static const char * const spread_names[] = {
	[TC_MIRRORX_SPREAD_NONE]	= "none",
	[TC_MIRRORX_SPREAD_FLOW]	= "flow",
	[TC_MIRRORX_SPREAD_COPY]	= "copy",
};

#define NAMES(x) .names = (x), .n_names = ARRAY_SIZE(x)

/* In the order in which they are printed */
static const struct mirrorx_word {
	const char *key;
	enum mirrorx_value value;
	int attr, attr2;
	__u32 dflt, min, max;
	const char * const *names;
	unsigned int n_names;
	__u32 type;		/* from which type of ERSPAN there is a place for it,
				 * as ERSPAN counts; 0 if it is no matter of its
				 */
} words[] = {
	{ .key = "dst_ip", .value = MIRRORX_ADDRS, .attr = TCA_MIRRORX_DST_IP4,
	  .attr2 = TCA_MIRRORX_MORE_IP4 },
	{ .key = "spread", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_SPREAD,
	  NAMES(spread_names) },
	{ .key = "src_ip", .value = MIRRORX_ADDR, .attr = TCA_MIRRORX_SRC_IP4 },
	{ .key = "dev", .value = MIRRORX_DEV, .attr = TCA_MIRRORX_IFINDEX },
	{ .key = "encap", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_ENCAP,
	  NAMES(encap_names) },
	{ .key = "vni", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_VNI,
	  .max = 16777215 },
	{ .key = "dst_port", .value = MIRRORX_OPT, .attr = TCA_MIRRORX_DST_PORT,
	  .dflt = VXLAN_PORT, .min = 1, .max = 65535 },
	{ .key = "id", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_ID,
	  .max = 1023, .type = 2 },
	{ .key = "erspan_ver", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_ERSPAN_VER,
	  .dflt = TC_MIRRORX_ERSPAN_III, .max = TC_MIRRORX_ERSPAN_MAX, .type = 1 },
	{ .key = "erspan_dir", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_ERSPAN_DIR,
	  NAMES(dir_names), .type = 3 },
	{ .key = "erspan_hwid", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_ERSPAN_HWID,
	  .max = 63, NAMES(hwid_names), .type = 3 },
	{ .key = "sgt", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_SGT,
	  .max = 65535, .type = 3 },
	{ .key = "timestamp", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_TIMESTAMP,
	  NAMES(timestamp_names), .type = 3 },
	{ .key = "subheader", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_SUBHEADER,
	  NAMES(subheader_names), .type = 3 },
	{ .key = "port", .value = MIRRORX_OPT, .attr = TCA_MIRRORX_PORT,
	  .max = ~0U, .type = 2 },
	{ .key = "vlan_tag", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_VLAN_TAG,
	  NAMES(vlan_tag_names), .type = 2 },
	{ .key = "trunc", .value = MIRRORX_SLICE, .attr = TCA_MIRRORX_TRUNC,
	  .attr2 = TCA_MIRRORX_TRUNC_AFTER, .min = 14, .max = 65535,
	  NAMES(header_names) },
	{ .key = "fixlen", .value = MIRRORX_FLAG, .attr = TCA_MIRRORX_FIXLEN },
	{ .key = "oversize", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_OVERSIZE,
	  NAMES(oversize_names) },
	{ .key = "sample", .value = MIRRORX_SAMPLE, .attr = TCA_MIRRORX_SAMPLE,
	  .attr2 = TCA_MIRRORX_SAMPLE_MODE, .dflt = 1, .min = 1, .max = ~0U,
	  NAMES(sample_names) },
	{ .key = "flow_seed", .value = MIRRORX_SEED,
	  .attr = TCA_MIRRORX_FLOW_SEED },
	{ .key = "flow_inner", .value = MIRRORX_FLAG,
	  .attr = TCA_MIRRORX_FLOW_INNER },
	{ .key = "limit", .value = MIRRORX_LIMIT, .attr = TCA_MIRRORX_LIMIT_RATE,
	  .attr2 = TCA_MIRRORX_LIMIT_BURST },
	{ .key = "plaintext", .value = MIRRORX_FLAG,
	  .attr = TCA_MIRRORX_PLAINTEXT },
	{ .key = "anonymize", .value = MIRRORX_KEY,
	  .attr = TCA_MIRRORX_ANON_KEY, .attr2 = TCA_MIRRORX_ANON_ID },
	{ .key = "anonymize_mac", .value = MIRRORX_FLAG,
	  .attr = TCA_MIRRORX_ANON_MAC },
	{ .key = "zero_payload", .value = MIRRORX_FLAG,
	  .attr = TCA_MIRRORX_ZERO_PAYLOAD },
	{ .key = "tos", .value = MIRRORX_HEX, .attr = TCA_MIRRORX_TOS,
	  .max = 255 },
	{ .key = "ttl", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_TTL,
	  .dflt = 64, .min = 1, .max = 255 },
	{ .key = "mark", .value = MIRRORX_HEX, .attr = TCA_MIRRORX_MARK,
	  .max = ~0U },
	{ .key = "priority", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_PRIORITY,
	  .max = ~0U },
};

/* As in all of tc, case aside: 1000 in rates, 1024 in sizes.  Largest first */
static const struct mirrorx_unit {
	const char *name;
	double factor;
} rate_units[] = {	/* in bits */
	{ "Tbit", 1e12 }, { "Gbit", 1e9 }, { "Mbit", 1e6 }, { "Kbit", 1e3 },
	{ "bit", 1 }, { "", 1 },
	{ "Tibit", 0x1p40 }, { "Gibit", 0x1p30 }, { "Mibit", 0x1p20 },
	{ "Kibit", 0x1p10 },
	{ "TBps", 8e12 }, { "GBps", 8e9 }, { "MBps", 8e6 }, { "KBps", 8e3 },
	{ "Bps", 8 },
	{ "TiBps", 8 * 0x1p40 }, { "GiBps", 8 * 0x1p30 },
	{ "MiBps", 8 * 0x1p20 }, { "KiBps", 8 * 0x1p10 },
}, packet_units[] = {
	{ "pps", 1 }, { "Kpps", 1e3 }, { "Mpps", 1e6 },
}, size_units[] = {
	{ "Gb", 0x1p30 }, { "Mb", 0x1p20 }, { "Kb", 0x1p10 }, { "b", 1 },
	{ "", 1 }, { "g", 0x1p30 }, { "m", 0x1p20 }, { "k", 0x1p10 },
};

static const struct mirrorx_word index_word = {
	.key = "index", .value = MIRRORX_NUM, .max = ~0U,
};

/*
 * What "for" stands for, the type first.  Those with fixlen take a frame that is
 * shorter than its IP header says for a broken one.
 */
static const struct mirrorx_profile {
	const char *key, *words;
	const char *words6;	/* if something else suits an IPv6 collector */
} profiles[] = {
	/* Reads everything */
	{ "wireshark", "erspan_ver 2 timestamp ns oversize fragment" },
	/* Ignores type III; counts the tag of a header and of a frame as two */
	{ "suricata", "erspan_ver 1 fixlen oversize fragment" },
	{ "zeek", "erspan_ver 2 timestamp ns fixlen oversize fragment" },
	/* Takes a subheader for granted in type III; 3 goes with every time */
	{ "snort", "erspan_ver 2 timestamp ns subheader 3 fixlen oversize fragment" },
	/* Take none for granted */
	{ "linux", "erspan_ver 2 oversize fragment" },
	{ "ovs", "erspan_ver 2 oversize split" },
	/* Knows the VLAN from the header only, and no fragments of IPv6 */
	{ "arkime", "erspan_ver 1 vlan_tag strip fixlen oversize fragment",
	  "erspan_ver 1 vlan_tag strip fixlen oversize split" },
	/* Knows no fragments at all, and counts by the outer length */
	{ "ntopng", "erspan_ver 1" },
};

/* What tc itself takes after the words of an action */
static const char * const tc_words[] = {
	"action", "flowid", "classid",
	"cookie", "hw_stats", "no_percpu", "skip_sw", "skip_hw",
	"add", "change", "replace", "delete", "get",
};

static const char * const stats_names[TCA_MIRRORX_STATS_MAX + 1] = {
	[TCA_MIRRORX_STATS_SENT]	= "sent",
	[TCA_MIRRORX_STATS_BYTES]	= "bytes",
	[TCA_MIRRORX_STATS_TRUNCATED]	= "truncated",
	[TCA_MIRRORX_STATS_CUT]		= "cut",
	[TCA_MIRRORX_STATS_UNSAMPLED]	= "unsampled",
	[TCA_MIRRORX_STATS_LOOP]	= "loop",
	[TCA_MIRRORX_STATS_SECRET]	= "secret",
	[TCA_MIRRORX_STATS_NO_ROUTE]	= "no_route",
	[TCA_MIRRORX_STATS_NO_NEIGH]	= "no_neigh",
	[TCA_MIRRORX_STATS_DEV_DOWN]	= "dev_down",
	[TCA_MIRRORX_STATS_MTU]		= "mtu",
	[TCA_MIRRORX_STATS_NO_MEM]	= "no_mem",
	[TCA_MIRRORX_STATS_BAD_FRAME]	= "bad_frame",
	[TCA_MIRRORX_STATS_XMIT]	= "xmit",
	[TCA_MIRRORX_STATS_FRAGMENTED]	= "fragmented",
	[TCA_MIRRORX_STATS_SPLIT]	= "split",
	[TCA_MIRRORX_STATS_UNFIXED]	= "unfixed",
	[TCA_MIRRORX_STATS_REBUILT]	= "rebuilt",
	[TCA_MIRRORX_STATS_LIMITED]	= "limited",
	[TCA_MIRRORX_STATS_CONGESTED]	= "congested",
	[TCA_MIRRORX_STATS_IN_FLIGHT]	= "in_flight",
	[TCA_MIRRORX_STATS_IN_FLIGHT_MAX] = "in_flight_max",
};

static void usage(void) __attribute__((noreturn));
static void refuse(const char *key, const char *what, const char *arg)
	__attribute__((noreturn));

static void usage(void)
{
	fprintf(stderr,
		"Usage: ... mirrorx [ for COLLECTOR ] dst_ip ADDR[,ADDR...] [ src_ip ADDR ]\n"
		"                   [ spread { flow | copy } ] [ dev DEV ]\n"
		"                   [ encap { erspan | gretap | vxlan | geneve } ]\n"
		"                   [ vni VNI ] [ dst_port UDPPORT ]\n"
		"                   [ id SESSION ] [ erspan_ver { 0 | 1 | 2 } ]\n"
		"                   [ erspan_dir { auto | ingress | egress } ]\n"
		"                   [ erspan_hwid { HWID | cpu } ] [ sgt SGT ]\n"
		"                   [ timestamp { 100us | 100ns | ns } ]\n"
		"                   [ subheader { none | 1 | 3 | 5 | 7 } ] [ port PORT ]\n"
		"                   [ vlan_tag { keep | strip } ]\n"
		"                   [ trunc { SIZE | { l2 | l3 | l4 }[+SIZE] } ] [ fixlen ]\n"
		"                   [ oversize { cut | fragment | split } ]\n"
		"                   [ sample N [ random | every | flow ] [ burst M ] ]\n"
		"                   [ flow_seed SEED ] [ flow_inner ]\n"
		"                   [ limit RATE burst SIZE ] [ limit PPS burst N ]\n"
		"                   [ plaintext ] [ anonymize { KEY | file PATH } ]\n"
		"                   [ anonymize_mac ] [ zero_payload ]\n"
		"                   [ tos TOS ] [ ttl TTL ] [ mark MARK ] [ priority PRIO ]\n"
		"                   [ CONTROL ] [ index INDEX ]\n"
		"       ... mirrorx index INDEX\n"
		"where:\n"
		"\tCOLLECTOR := wireshark | suricata | zeek | snort | linux | ovs | arkime |\n"
		"\t           ntopng: what suits it, where nothing else is said\n"
		"\tADDR    := IPv4 or IPv6 address, of the same family in both places\n"
		"\t           up to 64 collectors with spread: flows shared out, or copies to all\n"
		"\tDEV     := device that the route of the copies must use\n"
		"\tVNI     := of VXLAN and Geneve, 0..16777215\n"
		"\tUDPPORT := of these at the collector, by default 4789 and 6081\n"
		"\tSESSION := ERSPAN Session ID, 0..1023\n"
		"\tHWID    := ERSPAN Hw ID, 0..63\n"
		"\tSGT     := Security Group Tag, 0..65535\n"
		"\tPORT    := port in the header, by default ifindex or, with fixlen, length\n"
		"\tSIZE    := bytes to keep of each frame, 14..65535, or behind a header of it\n"
		"\tN       := copy one frame in N, or one flow, both directions of it\n"
		"\tM       := choose so many frames in a row, and as many times fewer rows\n"
		"\tSEED    := decides which flows; with the same one hosts choose the same\n"
		"\tRATE    := most that copies may take, as in 100mbit; and at once, as in 64k\n"
		"\tPPS     := most copies in a second, as in 5000pps; and at once, a number\n"
		"\tKEY     := 64 random hexadecimal digits, which are never shown again\n"
		"\tPATH    := file that holds them\n"
		"\tCONTROL := reclassify | pipe | drop | continue | pass | trap |\n"
		"\t           goto chain CHAIN | jump COUNT; default pipe\n"
		"erspan_ver 0, 1 and 2 are types I, II and III; 2 is the default.\n"
		"Numbers are decimal, or hexadecimal after 0x.\n");
	exit(-1);
}

static void refuse(const char *key, const char *what, const char *arg)
{
	char msg[256];

	snprintf(msg, sizeof(msg), "%s needs %s", key, what);
	invarg(msg, arg);
}

static void parse_addr(const struct mirrorx_word *w, const char *arg,
		       struct nlmsghdr *n)
{
	__u8 addr[16];

	/* get_addr() would take "10.1" for 10.1.0.0, and "any" */
	if (inet_pton(AF_INET, arg, addr) == 1)
		addattr_l(n, MAX_MSG, w->attr, addr, 4);
	else if (inet_pton(AF_INET6, arg, addr) == 1)
		addattr_l(n, MAX_MSG, w->attr + 1, addr, 16);
	else
		refuse(w->key, "an IPv4 or IPv6 address", arg);
}

static void parse_addrs(const struct mirrorx_word *w, const char *arg,
			struct nlmsghdr *n)
{
	__u8 more[(COLLECTORS_MAX - 1) * 16];
	int family, len = 0, size;
	char first[64], *list, *rest, *addr;

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(arg, ","), arg);
	parse_addr(w, strchr(arg, ',') ? first : arg, n);
	if (!strchr(arg, ','))
		return;

	family = strchr(first, ':') ? AF_INET6 : AF_INET;
	size = family == AF_INET6 ? 16 : 4;
	rest = list = strdup(strchr(arg, ',') + 1);
	while (rest && (addr = strsep(&rest, ","))) {
		if (len + size > (COLLECTORS_MAX - 1) * size)
			refuse(w->key, "no more than 64 addresses", arg);
		if (inet_pton(family, addr, more + len) != 1)
			refuse(w->key, "addresses of one family, with commas",
			       arg);
		len += size;
	}
	free(list);
	addattr_l(n, MAX_MSG, family == AF_INET6 ? w->attr2 + 1 : w->attr2,
		  more, len);
}

static __u32 parse_dev(const char *key, const char *arg)
{
	__u32 ifindex = ll_name_to_index(arg);

	if (!ifindex)
		refuse(key, "the name of an existing device", arg);
	return ifindex;
}

static bool get_num(const char *arg, __u32 min, __u32 max, __u32 *num)
{
	int base = strncmp(arg, "0x", 2) ? 10 : 16;

	/* strtoul() below get_u32() would turn a negative number around */
	return isdigit((unsigned char)*arg) && !get_u32(num, arg, base) &&
	       *num >= min && *num <= max;
}

/* The first len characters of arg, as a value */
static bool get_name(const struct mirrorx_word *w, const char *arg, size_t len,
		     __u32 *val)
{
	for (*val = 0; *val < w->n_names; ++*val) {
		const char *name = w->names[*val];

		if (name && strlen(name) == len && !memcmp(arg, name, len))
			return true;
	}
	return false;
}

/* A number, or a name, or either */
static __u32 parse_num(const struct mirrorx_word *w, const char *arg)
{
	bool num = w->value != MIRRORX_NAME;
	char list[128] = "one of";
	unsigned int i;
	__u32 val;

	if (get_name(w, arg, strlen(arg), &val) ||
	    (num && get_num(arg, w->min, w->max, &val)))
		return val;

	if (num)
		snprintf(list, sizeof(list), "a number from %u to %u%s",
			 w->min, w->max, w->names ? ", or" : "");
	for (i = 0; i < w->n_names; i++)
		if (w->names[i])
			strcat(strcat(list, " "), w->names[i]);
	refuse(w->key, list, arg);
}

/* SIZE, HEADER or HEADER+SIZE */
static __u32 parse_slice(const struct mirrorx_word *w, const char *arg,
			 struct nlmsghdr *n)
{
	size_t len = strcspn(arg, "+");
	__u32 size = 0, header;

	if (get_num(arg, w->min, w->max, &size))
		return size;
	if (!get_name(w, arg, len, &header) ||
	    (arg[len] && !get_num(arg + len + 1, 0, w->max, &size)))
		refuse(w->key, "a number from 14 to 65535, or "
		       "{l2|l3|l4}[+NUMBER] with one up to 65535", arg);
	addattr32(n, MAX_MSG, w->attr2, header);
	return size;
}

/* A number with a unit; with all digits of 64 bits */
static bool get_scaled(const char *arg, const struct mirrorx_unit *units,
		       unsigned int n_units, long double *val)
{
	const char *unit = arg + strspn(arg, "0123456789.");
	unsigned int i;
	char *end;

	*val = strtold(arg, &end);
	for (i = 0; i < n_units && end == unit && unit != arg; i++) {
		if (strcasecmp(unit, units[i].name) == 0) {
			*val *= units[i].factor;
			return true;
		}
	}
	return false;
}

#define GET_SCALED(arg, units, val) \
	get_scaled(arg, units, ARRAY_SIZE(units), val)

/* Of bytes; false if it is one of packets */
static bool parse_rate(const char *key, const char *arg, struct nlmsghdr *n)
{
	long double val;
	__u64 rate;

	if (GET_SCALED(arg, packet_units, &val) && val >= 1 && val <= ~0U) {
		addattr32(n, MAX_MSG, TCA_MIRRORX_LIMIT_PACKETS, val);
		return false;
	}
	if (!GET_SCALED(arg, rate_units, &val) || val < 8 || val >= 0x1p67L)
		refuse(key, "a rate such as 100mbit or 5000pps", arg);
	rate = val / 8;
	addattr_l(n, MAX_MSG, TCA_MIRRORX_LIMIT_RATE, &rate, sizeof(rate));
	return true;
}

static void parse_burst(bool bytes, const char *arg, struct nlmsghdr *n)
{
	long double val;
	__u32 num;

	if (!bytes && get_num(arg, 1, ~0U, &num)) {
		addattr32(n, MAX_MSG, TCA_MIRRORX_LIMIT_PACKET_BURST, num);
		return;
	}
	if (!bytes)
		refuse("burst", "a number of packets from 1", arg);
	if (!GET_SCALED(arg, size_units, &val) || val < 1 || val > ~0U)
		refuse("burst", "a size from 1 to 4294967295 bytes, such as 64k",
		       arg);
	addattr32(n, MAX_MSG, TCA_MIRRORX_LIMIT_BURST, val);
}

/* RATE burst SIZE, of which there may be two kinds; seen holds a bit for each */
static void parse_limit(const struct mirrorx_word *w, int *argc_p,
			char ***argv_p, __u32 *seen, struct nlmsghdr *n)
{
	char **argv = *argv_p;
	int argc = *argc_p;
	bool bytes;
	__u32 bit;

	bytes = parse_rate(w->key, *argv, n);
	bit = bytes ? 1U << (w - words) : 1U << 31;
	if (*seen & bit)
		duparg(w->key, *argv);
	*seen |= bit;

	if (argc < 2 || strcmp(argv[1], "burst"))
		refuse(w->key, "a burst: limit RATE burst SIZE", *argv);
	NEXT_ARG();
	NEXT_ARG();
	parse_burst(bytes, *argv, n);
	*argc_p = argc;
	*argv_p = argv;
}

static __u64 parse_seed(const char *key, const char *arg)
{
	int base = strncmp(arg, "0x", 2) ? 10 : 16;
	__u64 seed;
	char *end;

	errno = 0;
	seed = strtoull(arg, &end, base);
	if (!isdigit((unsigned char)*arg) || *end || errno)
		refuse(key, "a number of up to 64 bits", arg);
	return seed;
}

/* N, what is counted, burst M */
static void parse_sample(const struct mirrorx_word *w, int *argc_p,
			 char ***argv_p, struct nlmsghdr *n)
{
	char **argv = *argv_p;
	int argc = *argc_p;
	__u32 num;

	if (!get_num(*argv, w->min, w->max, &num))
		refuse(w->key, "a number from 1 to 4294967295", *argv);
	addattr32(n, MAX_MSG, w->attr, num);
	if (argc > 1 && get_name(w, argv[1], strlen(argv[1]), &num)) {
		NEXT_ARG();
		addattr32(n, MAX_MSG, w->attr2, num);
	}
	if (argc > 1 && strcmp(argv[1], "burst") == 0) {
		NEXT_ARG();
		NEXT_ARG();
		if (!get_num(*argv, 1, ~0U, &num))
			refuse("burst", "a number of frames from 1", *argv);
		addattr32(n, MAX_MSG, TCA_MIRRORX_SAMPLE_BURST, num);
	}
	*argc_p = argc;
	*argv_p = argv;
}

/* One that others cannot see in the list of processes */
static void read_key(const char *key, const char *path, char *hex, size_t size)
{
	FILE *file = fopen(path, "r");

	if (!file || !fgets(hex, size, file))
		refuse(key, "a file to be read", path);
	fclose(file);
	hex[strcspn(hex, "\r\n")] = 0;
}

/* KEY, or "file" and where it is */
static void parse_key(const struct mirrorx_word *w, int *argc_p, char ***argv_p,
		      struct nlmsghdr *n)
{
	char hex[2 * MIRRORX_KEY_LEN + 3];
	__u8 key[MIRRORX_KEY_LEN];
	const char *digits = **argv_p, *shown = digits;
	char **argv = *argv_p;
	int argc = *argc_p;
	unsigned int i;

	if (strcmp(*argv, "id") == 0)
		refuse(w->key, "the key, which its fingerprint does not tell",
		       *argv);
	if (strcmp(*argv, "file") == 0) {
		NEXT_ARG();
		read_key(w->key, *argv, hex, sizeof(hex));
		digits = hex;
		shown = *argv;
	}
	if (strlen(digits) != 2 * sizeof(key) ||
	    strspn(digits, "0123456789abcdefABCDEF") != 2 * sizeof(key))
		refuse(w->key, "64 hexadecimal digits, or file PATH", shown);
	for (i = 0; i < sizeof(key); i++)
		sscanf(digits + 2 * i, "%2hhx", &key[i]);
	addattr_l(n, MAX_MSG, w->attr, key, sizeof(key));
	*argc_p = argc;
	*argv_p = argv;
}

static void parse_word(const struct mirrorx_word *w, const char *arg,
		       struct nlmsghdr *n)
{
	__u32 val = 1;
	__u64 seed;

	switch (w->value) {
	case MIRRORX_ADDR:
		parse_addr(w, arg, n);
		return;
	case MIRRORX_ADDRS:
		parse_addrs(w, arg, n);
		return;
	case MIRRORX_SEED:
		seed = parse_seed(w->key, arg);
		addattr_l(n, MAX_MSG, w->attr, &seed, sizeof(seed));
		return;
	case MIRRORX_DEV:
		val = parse_dev(w->key, arg);
		break;
	case MIRRORX_SLICE:
		val = parse_slice(w, arg, n);
		break;
	case MIRRORX_FLAG:
		break;
	default:
		val = parse_num(w, arg);
		break;
	}
	addattr32(n, MAX_MSG, w->attr, val);
}

static const struct mirrorx_word *find_word(const char *arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(arg, words[i].key) == 0)
			return &words[i];
	return NULL;
}

static const struct mirrorx_profile *parse_profile(const char *key,
						   const char *arg)
{
	char list[128] = "one of";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (strcmp(arg, profiles[i].key) == 0)
			return &profiles[i];
		strcat(strcat(list, " "), profiles[i].key);
	}
	refuse(key, list, arg);
}

/* The type of ERSPAN that was given, as ERSPAN counts; 0 for another encap */
static __u32 given_type(struct rtattr **tb)
{
	if (tb[TCA_MIRRORX_ENCAP] &&
	    rta_getattr_u32(tb[TCA_MIRRORX_ENCAP]) != TC_MIRRORX_ENCAP_ERSPAN)
		return 0;
	if (tb[TCA_MIRRORX_ERSPAN_VER])
		return rta_getattr_u32(tb[TCA_MIRRORX_ERSPAN_VER]) + 1;
	return ~0U;
}

/* Whether a profile's word goes with those that were given, which are in tb */
static bool applies(const struct mirrorx_word *w, __u32 type, struct rtattr **tb)
{
	switch (w->attr) {
	case TCA_MIRRORX_TIMESTAMP:	/* a subheader may take no other */
		return type >= w->type && !tb[w->attr] && !tb[TCA_MIRRORX_SUBHEADER];
	case TCA_MIRRORX_FIXLEN:
		return !tb[w->attr] && tb[TCA_MIRRORX_TRUNC];
	default:
		return type >= w->type && !tb[w->attr];
	}
}

static void add_profile(const struct mirrorx_profile *p, struct rtattr *nest,
			struct nlmsghdr *n)
{
	bool verbose = show_details && !json;
	struct rtattr *tb[TCA_MIRRORX_MAX + 1];
	const struct mirrorx_word *w;
	char list[96], *key, *arg;
	__u32 type;

	addattr_nest_end(n, nest);
	parse_rtattr_nested(tb, TCA_MIRRORX_MAX, nest);
	type = given_type(tb);

	strcpy(list, p->words6 && tb[TCA_MIRRORX_DST_IP6] ? p->words6 : p->words);
	if (verbose)
		printf("mirrorx for %s:", p->key);
	for (key = strtok(list, " "); key; key = strtok(NULL, " ")) {
		w = find_word(key);
		arg = w->value == MIRRORX_FLAG ? NULL : strtok(NULL, " ");
		if (!applies(w, type, tb))
			continue;
		parse_word(w, arg, n);
		if (verbose)
			printf(" %s%s%s", key, arg ? " " : "", arg ? arg : "");
	}
	if (verbose)
		printf("\n");
}

/* tc would take a word it does not know for a gact action, and say so */
static void check_rest(const char *arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tc_words); i++)
		if (strcmp(arg, tc_words[i]) == 0)
			return;
	invarg("unknown to mirrorx, try \"help\"", arg);
}

static int parse_mirrorx(const struct action_util *a, int *argc_p,
			 char ***argv_p, int tca_id, struct nlmsghdr *n)
{
	struct tc_mirrorx parm = { .action = TC_ACT_PIPE };
	const struct mirrorx_profile *profile = NULL;
	bool control_set = false, index_set = false;
	const struct mirrorx_word *w;
	char **argv = *argv_p;
	int argc = *argc_p;
	struct rtattr *tail;
	__u32 seen = 0;

	/* The kernel insists on the flag, and tc before 5.4 does not pass it */
	tail = addattr_nest(n, MAX_MSG, tca_id | NLA_F_NESTED);

	NEXT_ARG_FWD();
	while (argc > 0) {
		const char *arg = *argv;
		int left = argc;

		w = find_word(arg);
		if (w) {
			if (w->value != MIRRORX_FLAG)
				NEXT_ARG();
			if (w->value == MIRRORX_LIMIT) {
				parse_limit(w, &argc, &argv, &seen, n);
				NEXT_ARG_FWD();
				continue;
			}
			if (seen & (1U << (w - words)))
				duparg(arg, *argv);
			seen |= 1U << (w - words);
			if (w->value == MIRRORX_SAMPLE)
				parse_sample(w, &argc, &argv, n);
			else if (w->value == MIRRORX_KEY)
				parse_key(w, &argc, &argv, n);
			else
				parse_word(w, *argv, n);
			NEXT_ARG_FWD();
		} else if (strcmp(arg, "for") == 0) {
			NEXT_ARG();
			if (profile)
				duparg(arg, *argv);
			profile = parse_profile(arg, *argv);
			NEXT_ARG_FWD();
		} else if (strcmp(arg, "index") == 0) {
			NEXT_ARG();
			if (index_set)
				duparg(arg, *argv);
			index_set = true;
			parm.index = parse_num(&index_word, *argv);
			NEXT_ARG_FWD();
		} else if (strcmp(arg, "help") == 0) {
			usage();
		} else {
			parse_action_control_dflt(&argc, &argv, &parm.action,
						  false, parm.action);
			if (argc == left)
				break;
			if (control_set)
				duparg("CONTROL", arg);
			control_set = true;
		}
	}
	if (argc > 0)
		check_rest(*argv);

	if (profile)
		add_profile(profile, tail, n);
	addattr_l(n, MAX_MSG, TCA_MIRRORX_PARMS, &parm, sizeof(parm));
	addattr_nest_end(n, tail);

	*argc_p = argc;
	*argv_p = argv;
	return 0;
}

static void print_key(const char *key)
{
	print_string(PRINT_FP, NULL, " %s ", key);
}

static void print_addr(const struct mirrorx_word *w, struct rtattr **tb)
{
	int family = tb[w->attr] ? AF_INET : AF_INET6;
	struct rtattr *attr = tb[w->attr] ? tb[w->attr] : tb[w->attr + 1];

	if (!attr) {
		print_null(PRINT_JSON, w->key, NULL, NULL);
		return;
	}
	print_key(w->key);
	print_string(PRINT_ANY, w->key, "%s", rt_addr_n2a_rta(family, attr));
}

/* As they are typed in */
static void print_addrs(const struct mirrorx_word *w, struct rtattr **tb)
{
	int family = tb[w->attr] ? AF_INET : AF_INET6;
	struct rtattr *more = tb[family == AF_INET ? w->attr2 : w->attr2 + 1];
	size_t size = family == AF_INET ? 4 : 16, at;
	char list[COLLECTORS_MAX * INET6_ADDRSTRLEN];
	const char *addrs;

	if (!more) {
		print_addr(w, tb);
		return;
	}
	addrs = RTA_DATA(more);
	inet_ntop(family, RTA_DATA(tb[family == AF_INET ? w->attr :
					  w->attr + 1]), list, sizeof(list));
	for (at = 0; at + size <= RTA_PAYLOAD(more) &&
	     at / size < COLLECTORS_MAX - 1; at += size) {
		strcat(list, ",");
		inet_ntop(family, addrs + at, list + strlen(list),
			  INET6_ADDRSTRLEN);
	}
	print_key(w->key);
	print_string(PRINT_ANY, w->key, "%s", list);
}

static void print_dev(const char *key, __u32 ifindex)
{
	if (!ifindex) {
		print_null(PRINT_JSON, key, NULL, NULL);
		return;
	}
	print_key(key);
	print_string(PRINT_ANY, key, "%s", ll_index_to_name(ifindex));
}

/* As a number where it has no name, as if the kernel is newer than the list */
static void print_val(enum output_type t, const char *key,
		      const struct mirrorx_word *w, __u32 val)
{
	if (val < w->n_names && w->names[val])
		print_string(t, key, "%s", w->names[val]);
	else
		print_uint(t, key, w->value == MIRRORX_HEX ? "0x%x" : "%u", val);
}

/* Text leaves out what is not shown, and always what could not be typed */
static void print_num(const struct mirrorx_word *w, __u32 val, bool shown)
{
	if (!shown) {
		print_val(PRINT_JSON, w->key, w, val);
		return;
	}
	print_key(w->key);
	print_val(PRINT_ANY, w->key, w, val);
}

static void print_flag(const char *key, bool val)
{
	print_bool(PRINT_JSON, key, NULL, val);
	if (val)
		print_string(PRINT_FP, NULL, " %s", key);
}

static void print_slice(const struct mirrorx_word *w, __u32 size, __u32 header)
{
	print_uint(PRINT_JSON, w->key, NULL, size);
	if (!header) {
		print_null(PRINT_JSON, "trunc_after", NULL, NULL);
		if (size)
			print_uint(PRINT_FP, NULL, " trunc %u", size);
		return;
	}
	print_key(w->key);
	print_val(PRINT_ANY, "trunc_after", w, header);
	if (size)
		print_uint(PRINT_FP, NULL, "+%u", size);
}

static __u32 get_val(struct rtattr **tb, int attr, __u32 dflt)
{
	return tb[attr] ? rta_getattr_u32(tb[attr]) : dflt;
}

/* In the largest unit that says it exactly; tc's own would round */
static void print_exact(const char *fmt, __u64 val,
			const struct mirrorx_unit *unit)
{
	char buf[32];

	while (val % (__u64)unit->factor)
		unit++;
	snprintf(buf, sizeof(buf), "%llu%s",
		 (unsigned long long)(val / (__u64)unit->factor), unit->name);
	print_string(PRINT_FP, NULL, fmt, buf);
}

static void print_limit(const struct mirrorx_word *w, struct rtattr **tb)
{
	__u64 rate = tb[w->attr] ? rta_getattr_u64(tb[w->attr]) : 0;
	__u32 burst = get_val(tb, w->attr2, 0);
	__u32 pps = get_val(tb, TCA_MIRRORX_LIMIT_PACKETS, 0);
	__u32 packets = get_val(tb, TCA_MIRRORX_LIMIT_PACKET_BURST, 0);

	print_lluint(PRINT_JSON, w->key, NULL, rate);
	print_uint(PRINT_JSON, "burst", NULL, burst);
	print_uint(PRINT_JSON, "limit_packets", NULL, pps);
	print_uint(PRINT_JSON, "burst_packets", NULL, packets);

	if (rate >> 61)		/* too many bits to count them */
		print_lluint(PRINT_FP, NULL, " limit %lluBps", rate);
	else if (rate)
		print_exact(" limit %s", rate * 8, rate_units);
	if (rate)
		print_exact(" burst %s", burst, size_units);
	if (pps) {
		print_uint(PRINT_FP, NULL, " limit %upps", pps);
		print_uint(PRINT_FP, NULL, " burst %u", packets);
	}
}

static void print_sample(const struct mirrorx_word *w, struct rtattr **tb)
{
	__u32 burst = get_val(tb, TCA_MIRRORX_SAMPLE_BURST, 1);
	__u32 num = get_val(tb, w->attr, w->dflt);
	__u32 mode = get_val(tb, w->attr2, 0);
	bool other = mode || burst > 1;

	print_uint(PRINT_JSON, w->key, NULL, num);
	print_val(PRINT_JSON, "sample_mode", w, mode);
	print_uint(PRINT_JSON, "sample_burst", NULL, burst);

	if (num == w->dflt && !other && !(show_details && tb[w->attr]))
		return;
	print_uint(PRINT_FP, NULL, " sample %u", num);
	if (mode) {
		print_string(PRINT_FP, NULL, " ", NULL);
		print_val(PRINT_FP, NULL, w, mode);
	}
	if (burst > 1)
		print_uint(PRINT_FP, NULL, " burst %u", burst);
}

static void print_seed(const struct mirrorx_word *w, struct rtattr **tb)
{
	__u64 seed = tb[w->attr] ? rta_getattr_u64(tb[w->attr]) : 0;

	print_lluint(PRINT_JSON, w->key, NULL, seed);
	if (seed)
		print_lluint(PRINT_FP, NULL, " flow_seed 0x%llx", seed);
}

static void print_key_id(const struct mirrorx_word *w, struct rtattr **tb)
{
	char id[17];

	if (!tb[w->attr2]) {
		print_null(PRINT_JSON, w->key, NULL, NULL);
		return;
	}
	snprintf(id, sizeof(id), "%016llx",
		 (unsigned long long)rta_getattr_u64(tb[w->attr2]));
	print_key(w->key);
	print_string(PRINT_ANY, w->key, "id %s", id);
}

static void print_word(const struct mirrorx_word *w, struct rtattr **tb)
{
	__u32 dflt = w->dflt, val;

	/* The defaults that are other words' matter */
	if (w->attr == TCA_MIRRORX_SUBHEADER &&
	    get_val(tb, TCA_MIRRORX_TIMESTAMP, 0) == TC_MIRRORX_TIMESTAMP_NS)
		dflt = 5;
	if (w->attr == TCA_MIRRORX_DST_PORT &&
	    get_val(tb, TCA_MIRRORX_ENCAP, 0) == TC_MIRRORX_ENCAP_GENEVE)
		dflt = GENEVE_PORT;

	val = w->value == MIRRORX_LIMIT || w->value == MIRRORX_SEED ||
	      w->value == MIRRORX_KEY ? 0 :
	      get_val(tb, w->attr, dflt);
	switch (w->value) {
	case MIRRORX_ADDR:
		print_addr(w, tb);
		break;
	case MIRRORX_ADDRS:
		print_addrs(w, tb);
		break;
	case MIRRORX_DEV:
		print_dev(w->key, val);
		break;
	case MIRRORX_SLICE:
		print_slice(w, val, get_val(tb, w->attr2, 0));
		break;
	case MIRRORX_FLAG:
		print_flag(w->key, val);
		break;
	case MIRRORX_LIMIT:
		print_limit(w, tb);
		break;
	case MIRRORX_SAMPLE:
		print_sample(w, tb);
		break;
	case MIRRORX_SEED:
		print_seed(w, tb);
		break;
	case MIRRORX_KEY:
		print_key_id(w, tb);
		break;
	case MIRRORX_OPT:
		if (tb[w->attr])
			print_num(w, val, !dflt || val != dflt || show_details);
		else
			print_null(PRINT_JSON, w->key, NULL, NULL);
		break;
	default:
		/* An older kernel would not know again what it does not tell */
		print_num(w, val, val != dflt || (show_details && tb[w->attr]));
	}
}

static void print_counters(struct rtattr **tb, int first, int last)
{
	int i;

	for (i = first; i <= last; i++) {
		if (!tb[i])
			continue;
		print_key(stats_names[i]);
		print_lluint(PRINT_ANY, stats_names[i], "%llu",
			     rta_getattr_u64(tb[i]));
	}
}

/*
 * One line about the copies, one about the frames that got none, one about what
 * is the case now.
 */
static void print_stats(struct rtattr *nest)
{
	struct rtattr *tb[TCA_MIRRORX_STATS_MAX + 1];

	parse_rtattr_nested(tb, TCA_MIRRORX_STATS_MAX, nest);
	open_json_object("mirrorx_stats");
	print_string(PRINT_FP, NULL, "\tcopies:", NULL);
	print_counters(tb, TCA_MIRRORX_STATS_SENT, TCA_MIRRORX_STATS_CUT);
	print_counters(tb, TCA_MIRRORX_STATS_FRAGMENTED,
		       TCA_MIRRORX_STATS_REBUILT);
	print_nl();
	print_string(PRINT_FP, NULL, "\tno copy:", NULL);
	print_counters(tb, TCA_MIRRORX_STATS_UNSAMPLED,
		       TCA_MIRRORX_STATS_XMIT);
	print_counters(tb, TCA_MIRRORX_STATS_LIMITED,
		       TCA_MIRRORX_STATS_CONGESTED);
	print_nl();
	print_string(PRINT_FP, NULL, "\tmemory:", NULL);
	print_counters(tb, TCA_MIRRORX_STATS_IN_FLIGHT,
		       TCA_MIRRORX_STATS_IN_FLIGHT_MAX);
	close_json_object();
	print_nl();
}

/* A line for each of several collectors */
static void print_collectors(struct rtattr **tb)
{
	int family = tb[TCA_MIRRORX_DST_IP4] ? AF_INET : AF_INET6;
	struct rtattr *more = tb[family == AF_INET ? TCA_MIRRORX_MORE_IP4 :
						     TCA_MIRRORX_MORE_IP6];
	struct rtattr *first = tb[family == AF_INET ? TCA_MIRRORX_DST_IP4 :
						      TCA_MIRRORX_DST_IP6];
	size_t size = family == AF_INET ? 4 : 16, n, i;
	struct tc_mirrorx_collector sum;
	char addr[INET6_ADDRSTRLEN];

	if (!first || !more)
		return;
	n = 1 + RTA_PAYLOAD(more) / size;
	if (RTA_PAYLOAD(tb[TCA_MIRRORX_COLLECTORS]) / sizeof(sum) < n)
		return;
	open_json_array(PRINT_JSON, "collectors");
	for (i = 0; i < n; i++) {
		inet_ntop(family, i ? RTA_DATA(more) + (i - 1) * size :
				      RTA_DATA(first), addr, sizeof(addr));
		memcpy(&sum, RTA_DATA(tb[TCA_MIRRORX_COLLECTORS]) +
			     i * sizeof(sum), sizeof(sum));
		open_json_object(NULL);
		print_string(PRINT_ANY, "dst_ip", "\tcollector %s:", addr);
		print_lluint(PRINT_ANY, "copies", " copies %llu", sum.copies);
		print_lluint(PRINT_ANY, "moved", " moved %llu", sum.moved);
		if (!sum.away)
			print_null(PRINT_JSON, "away", NULL, NULL);
		else
			print_string(PRINT_ANY, "away", " away %s",
				     sum.away <= TCA_MIRRORX_STATS_MAX &&
				     stats_names[sum.away] ?
				     stats_names[sum.away] : "unknown");
		close_json_object();
		print_nl();
	}
	close_json_array(PRINT_JSON, NULL);
}

static int print_mirrorx(const struct action_util *a, FILE *f,
			 struct rtattr *arg)
{
	struct rtattr *tb[TCA_MIRRORX_MAX + 1];
	struct tc_mirrorx *parm;
	unsigned int i;

	print_string(PRINT_ANY, "kind", "%s", "mirrorx");
	if (!arg)
		return 0;

	parse_rtattr_nested(tb, TCA_MIRRORX_MAX, arg);
	if (!tb[TCA_MIRRORX_PARMS]) {
		fprintf(stderr, "Missing mirrorx parameters\n");
		return -1;
	}
	parm = RTA_DATA(tb[TCA_MIRRORX_PARMS]);

	for (i = 0; i < ARRAY_SIZE(words); i++)
		print_word(&words[i], tb);
	print_action_control(" ", parm->action, "");

	print_nl();
	print_uint(PRINT_ANY, "index", "\t index %u", parm->index);
	print_int(PRINT_ANY, "ref", " ref %d", parm->refcnt);
	print_int(PRINT_ANY, "bind", " bind %d", parm->bindcnt);
	if (show_stats && tb[TCA_MIRRORX_TM])
		print_tm(RTA_DATA(tb[TCA_MIRRORX_TM]));
	print_nl();

	if (show_stats && tb[TCA_MIRRORX_STATS])
		print_stats(tb[TCA_MIRRORX_STATS]);
	if (show_stats && tb[TCA_MIRRORX_COLLECTORS])
		print_collectors(tb);
	return 0;
}

struct action_util mirrorx_action_util = {
	.id = "mirrorx",
	.parse_aopt = parse_mirrorx,
	.print_aopt = print_mirrorx,
};
