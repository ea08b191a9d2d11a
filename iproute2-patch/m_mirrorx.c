// SPDX-License-Identifier: GPL-2.0-only
/*
 * m_mirrorx.c	copies of packets to a remote collector in ERSPAN type III
 *
 * The table of words is the grammar: what a word takes, which attribute it
 * becomes and what the kernel assumes without it.  Parser, text and JSON all
 * walk it.  Ranges are the kernel's, and checked here as well, since it cannot
 * say in words which of them was left.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "utils.h"
#include "tc_util.h"
#include "tc_common.h"
#include <linux/tc_act/tc_mirrorx.h>

enum mirrorx_value {
	MIRRORX_ADDR,	/* attr if IPv4, attr + 1 if IPv6 */
	MIRRORX_DEV,
	MIRRORX_NUM,
	MIRRORX_HEX,	/* a number that is printed as 0x... */
	MIRRORX_NAME,	/* an index into names */
};

static const char * const dir_names[] = {
	[TC_MIRRORX_DIR_AUTO]		= "auto",
	[TC_MIRRORX_DIR_INGRESS]	= "ingress",
	[TC_MIRRORX_DIR_EGRESS]		= "egress",
	NULL
};

static const char * const timestamp_names[] = {
	[TC_MIRRORX_TIMESTAMP_100US]	= "100us",
	[TC_MIRRORX_TIMESTAMP_100NS]	= "100ns",
	[TC_MIRRORX_TIMESTAMP_NS]	= "ns",
	NULL
};

/* In the order in which they are printed */
static const struct mirrorx_word {
	const char *key;
	enum mirrorx_value value;
	int attr;
	__u32 dflt, min, max;
	const char * const *names;
} words[] = {
	{ .key = "dst_ip", .value = MIRRORX_ADDR, .attr = TCA_MIRRORX_DST_IP4 },
	{ .key = "src_ip", .value = MIRRORX_ADDR, .attr = TCA_MIRRORX_SRC_IP4 },
	{ .key = "dev", .value = MIRRORX_DEV, .attr = TCA_MIRRORX_IFINDEX },
	{ .key = "id", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_ID,
	  .max = 1023 },
	{ .key = "erspan_ver", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_ERSPAN_VER,
	  .dflt = 2, .min = 2, .max = 2 },
	{ .key = "erspan_dir", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_ERSPAN_DIR,
	  .dflt = TC_MIRRORX_DIR_AUTO, .names = dir_names },
	{ .key = "erspan_hwid", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_ERSPAN_HWID,
	  .max = 63 },
	{ .key = "sgt", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_SGT,
	  .max = 65535 },
	{ .key = "timestamp", .value = MIRRORX_NAME, .attr = TCA_MIRRORX_TIMESTAMP,
	  .dflt = TC_MIRRORX_TIMESTAMP_100US, .names = timestamp_names },
	{ .key = "trunc", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_TRUNC,
	  .min = 14, .max = 65535 },
	{ .key = "sample", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_SAMPLE,
	  .dflt = 1, .min = 1, .max = ~0U },
	{ .key = "tos", .value = MIRRORX_HEX, .attr = TCA_MIRRORX_TOS,
	  .max = 255 },
	{ .key = "ttl", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_TTL,
	  .dflt = 64, .min = 1, .max = 255 },
	{ .key = "mark", .value = MIRRORX_HEX, .attr = TCA_MIRRORX_MARK,
	  .max = ~0U },
	{ .key = "priority", .value = MIRRORX_NUM, .attr = TCA_MIRRORX_PRIORITY,
	  .max = ~0U },
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
};

static void usage(void) __attribute__((noreturn));
static void refuse(const char *key, const char *what, const char *arg)
	__attribute__((noreturn));

static void usage(void)
{
	fprintf(stderr,
		"Usage: ... mirrorx dst_ip ADDR [ src_ip ADDR ] [ dev DEV ] [ id SESSION ]\n"
		"                   [ erspan_ver 2 ] [ erspan_dir { auto | ingress | egress } ]\n"
		"                   [ erspan_hwid HWID ] [ sgt SGT ]\n"
		"                   [ timestamp { 100us | 100ns | ns } ]\n"
		"                   [ trunc SIZE ] [ sample N ]\n"
		"                   [ tos TOS ] [ ttl TTL ] [ mark MARK ] [ priority PRIO ]\n"
		"                   [ CONTROL ] [ index INDEX ]\n"
		"       ... mirrorx index INDEX\n"
		"where:\n"
		"\tADDR    := IPv4 or IPv6 address, of the same family in both places\n"
		"\tDEV     := device that the route of the copies must use\n"
		"\tSESSION := ERSPAN Session ID, 0..1023\n"
		"\tHWID    := ERSPAN Hw ID, 0..63\n"
		"\tSGT     := Security Group Tag, 0..65535\n"
		"\tSIZE    := bytes to keep of each frame, 14..65535\n"
		"\tN       := copy one frame in N, chosen at random\n"
		"\tCONTROL := reclassify | pipe | drop | continue | pass | trap |\n"
		"\t           goto chain CHAIN | jump COUNT; default pipe\n"
		"Numbers are decimal, or hexadecimal after 0x.\n");
	exit(-1);
}

static void refuse(const char *key, const char *what, const char *arg)
{
	char msg[128];

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

static __u32 parse_dev(const char *key, const char *arg)
{
	__u32 ifindex = ll_name_to_index(arg);

	if (!ifindex)
		refuse(key, "the name of an existing device", arg);
	return ifindex;
}

static __u32 parse_num(const char *key, const char *arg, __u32 min, __u32 max)
{
	int base = strncmp(arg, "0x", 2) ? 10 : 16;
	char range[64];
	__u32 num;

	/* strtoul() below get_u32() would turn a negative number around */
	if (isdigit((unsigned char)*arg) && !get_u32(&num, arg, base) &&
	    num >= min && num <= max)
		return num;
	snprintf(range, sizeof(range), "a number from %u to %u", min, max);
	refuse(key, range, arg);
}

static __u32 parse_name(const struct mirrorx_word *w, const char *arg)
{
	char list[64] = "one of";
	__u32 i;

	for (i = 0; w->names[i]; i++) {
		if (strcmp(arg, w->names[i]) == 0)
			return i;
		strcat(strcat(list, " "), w->names[i]);
	}
	refuse(w->key, list, arg);
}

static void parse_word(const struct mirrorx_word *w, const char *arg,
		       struct nlmsghdr *n)
{
	__u32 val = 0;

	switch (w->value) {
	case MIRRORX_ADDR:
		parse_addr(w, arg, n);
		return;
	case MIRRORX_DEV:
		val = parse_dev(w->key, arg);
		break;
	case MIRRORX_NUM:
	case MIRRORX_HEX:
		val = parse_num(w->key, arg, w->min, w->max);
		break;
	case MIRRORX_NAME:
		val = parse_name(w, arg);
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
			NEXT_ARG();
			if (seen & (1U << (w - words)))
				duparg(arg, *argv);
			seen |= 1U << (w - words);
			parse_word(w, *argv, n);
			NEXT_ARG_FWD();
		} else if (strcmp(arg, "index") == 0) {
			NEXT_ARG();
			if (index_set)
				duparg(arg, *argv);
			index_set = true;
			parm.index = parse_num(arg, *argv, 0, ~0U);
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

static void print_dev(const char *key, __u32 ifindex)
{
	if (!ifindex) {
		print_null(PRINT_JSON, key, NULL, NULL);
		return;
	}
	print_key(key);
	print_string(PRINT_ANY, key, "%s", ll_index_to_name(ifindex));
}

/* NULL if the kernel is newer than the list of names */
static const char *find_name(const struct mirrorx_word *w, __u32 val)
{
	__u32 i;

	for (i = 0; w->names && w->names[i]; i++)
		if (i == val)
			return w->names[i];
	return NULL;
}

static void print_num(const struct mirrorx_word *w, __u32 val)
{
	const char *name = find_name(w, val);
	enum output_type t = PRINT_ANY;

	/* Text leaves defaults out, and always what could not be typed */
	if (val == w->dflt &&
	    (!show_details || w->attr == TCA_MIRRORX_TRUNC))
		t = PRINT_JSON;
	else
		print_key(w->key);

	if (name)
		print_string(t, w->key, "%s", name);
	else
		print_uint(t, w->key, w->value == MIRRORX_HEX ? "0x%x" : "%u",
			   val);
}

static void print_word(const struct mirrorx_word *w, struct rtattr **tb)
{
	__u32 val = w->dflt;

	if (w->value == MIRRORX_ADDR) {
		print_addr(w, tb);
		return;
	}
	if (tb[w->attr])
		val = rta_getattr_u32(tb[w->attr]);
	if (w->value == MIRRORX_DEV)
		print_dev(w->key, val);
	else
		print_num(w, val);
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

/* One line about the copies, one about the frames that got none */
static void print_stats(struct rtattr *nest)
{
	struct rtattr *tb[TCA_MIRRORX_STATS_MAX + 1];

	parse_rtattr_nested(tb, TCA_MIRRORX_STATS_MAX, nest);
	open_json_object("mirrorx_stats");
	print_string(PRINT_FP, NULL, "\tcopies:", NULL);
	print_counters(tb, TCA_MIRRORX_STATS_SENT, TCA_MIRRORX_STATS_CUT);
	print_counters(tb, TCA_MIRRORX_STATS_FRAGMENTED,
		       TCA_MIRRORX_STATS_MAX);
	print_nl();
	print_string(PRINT_FP, NULL, "\tno copy:", NULL);
	print_counters(tb, TCA_MIRRORX_STATS_UNSAMPLED,
		       TCA_MIRRORX_STATS_XMIT);
	close_json_object();
	print_nl();
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
	return 0;
}

struct action_util mirrorx_action_util = {
	.id = "mirrorx",
	.parse_aopt = parse_mirrorx,
	.print_aopt = print_mirrorx,
};
