/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a plugin may use of tc, from 4.18 to 7.x, without iproute2's headers,
 * which no distribution packages.
 *
 * Declared here is only what kept its meaning and its binary interface over all
 * these versions; "make check" holds the list against the built plugin.  What
 * changed or came later (print_action_control() and print_tm() lost an argument
 * in 6.10, print_nl() came with 4.19) is defined below for the plugin itself.
 */
#ifndef MIRRORX_TC_PLUGIN_H
#define MIRRORX_TC_PLUGIN_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/types.h>

#define MAX_MSG 16384
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

struct action_util {
	struct action_util *next;
	char id[16];
	int (*parse_aopt)(const struct action_util *a, int *argc_p,
			  char ***argv_p, int tca_id, struct nlmsghdr *n);
	int (*print_aopt)(const struct action_util *a, FILE *f,
			  struct rtattr *opt);
	int (*print_xstats)(const struct action_util *a, FILE *f,
			    struct rtattr *xstats);
};

/* The command line */
void incomplete_command(void) __attribute__((noreturn));
void invarg(const char *msg, const char *arg) __attribute__((noreturn));
void duparg(const char *key, const char *arg) __attribute__((noreturn));
int get_u32(__u32 *val, const char *arg, int base);
void parse_action_control_dflt(int *argc_p, char ***argv_p, int *result_p,
			       bool allow_num, int default_result);

#define NEXT_ARG_FWD() do { argv++; argc--; } while (0)
#define NEXT_ARG() do { \
	NEXT_ARG_FWD(); \
	if (argc <= 0) \
		incomplete_command(); \
} while (0)

/* Netlink */
int addattr_l(struct nlmsghdr *n, int maxlen, int type, const void *data,
	      int len);
int addattr32(struct nlmsghdr *n, int maxlen, int type, __u32 data);
struct rtattr *addattr_nest(struct nlmsghdr *n, int maxlen, int type);
int addattr_nest_end(struct nlmsghdr *n, struct rtattr *nest);
int parse_rtattr_flags(struct rtattr *tb[], int max, struct rtattr *rta,
		       int len, unsigned short flags);

#define parse_rtattr_nested(tb, max, rta) \
	parse_rtattr_flags((tb), (max), RTA_DATA(rta), RTA_PAYLOAD(rta), \
			   NLA_F_NESTED)

static inline __u32 rta_getattr_u32(const struct rtattr *rta)
{
	return *(__u32 *)RTA_DATA(rta);
}

/* Attributes are aligned to four bytes only */
static inline __u64 rta_getattr_u64(const struct rtattr *rta)
{
	__u64 val;

	memcpy(&val, RTA_DATA(rta), sizeof(val));
	return val;
}

/* Devices and addresses */
unsigned int ll_name_to_index(const char *name);
const char *ll_index_to_name(unsigned int idx);
const char *rt_addr_n2a(int af, int len, const void *addr);

#define rt_addr_n2a_rta(af, rta) \
	rt_addr_n2a(af, RTA_PAYLOAD(rta), RTA_DATA(rta))

/* Output.  The functions returned nothing before 5.8. */
extern int show_stats;
extern int show_details;
extern int json;
extern const char *_SL_;

enum output_type {
	PRINT_FP = 1,
	PRINT_JSON = 2,
	PRINT_ANY = 4,
};

#define COLOR_NONE 6

void open_json_object(const char *key);
void close_json_object(void);
void open_json_array(enum output_type type, const char *delim);
void close_json_array(enum output_type type, const char *delim);
bool is_json_context(void);
int __get_user_hz(void);

void print_color_string(enum output_type t, int color, const char *key,
			const char *fmt, const char *value);
void print_color_null(enum output_type t, int color, const char *key,
		      const char *fmt, const char *value);
void print_color_bool(enum output_type t, int color, const char *key,
		      const char *fmt, bool value);
void print_color_int(enum output_type t, int color, const char *key,
		     const char *fmt, int value);
void print_color_uint(enum output_type t, int color, const char *key,
		      const char *fmt, unsigned int value);
void print_color_lluint(enum output_type t, int color, const char *key,
			const char *fmt, unsigned long long value);

#define print_string(t, ...) print_color_string(t, COLOR_NONE, __VA_ARGS__)
#define print_null(t, ...) print_color_null(t, COLOR_NONE, __VA_ARGS__)
#define print_bool(t, ...) print_color_bool(t, COLOR_NONE, __VA_ARGS__)
#define print_int(t, ...) print_color_int(t, COLOR_NONE, __VA_ARGS__)
#define print_uint(t, ...) print_color_uint(t, COLOR_NONE, __VA_ARGS__)
#define print_lluint(t, ...) print_color_lluint(t, COLOR_NONE, __VA_ARGS__)

/* From here on under other names, so that tc's own are not in the way */
#define print_nl plugin_print_nl
#define print_action_control plugin_print_action_control
#define print_tm plugin_print_tm

static inline void print_nl(void)
{
	print_string(PRINT_FP, NULL, "%s", _SL_);
}

static inline const char *plugin_control_name(int action)
{
	if (TC_ACT_EXT_CMP(action, TC_ACT_GOTO_CHAIN))
		return "goto";
	if (TC_ACT_EXT_CMP(action, TC_ACT_JUMP))
		return "jump";
	switch (action) {
	case TC_ACT_UNSPEC:
		return "continue";
	case TC_ACT_OK:
		return "pass";
	case TC_ACT_SHOT:
		return "drop";
	case TC_ACT_RECLASSIFY:
		return "reclassify";
	case TC_ACT_PIPE:
		return "pipe";
	case TC_ACT_STOLEN:
		return "stolen";
	case TC_ACT_TRAP:
		return "trap";
	default:
		return "unknown";
	}
}

static inline void print_action_control(const char *prefix, int action,
					const char *suffix)
{
	print_string(PRINT_FP, NULL, "%s", prefix);
	open_json_object("control_action");
	print_string(PRINT_ANY, "type", "%s", plugin_control_name(action));
	if (TC_ACT_EXT_CMP(action, TC_ACT_GOTO_CHAIN))
		print_uint(PRINT_ANY, "chain", " chain %u",
			   action & TC_ACT_EXT_VAL_MASK);
	if (TC_ACT_EXT_CMP(action, TC_ACT_JUMP))
		print_uint(PRINT_ANY, "jump", " %u",
			   action & TC_ACT_EXT_VAL_MASK);
	close_json_object();
	print_string(PRINT_FP, NULL, "%s", suffix);
}

static inline void plugin_print_time(const char *key, const char *fmt,
				     __u64 ticks)
{
	if (ticks)
		print_uint(PRINT_ANY, key, fmt, ticks / __get_user_hz());
}

static inline void print_tm(const struct tcf_t *tm)
{
	plugin_print_time("installed", " installed %u sec", tm->install);
	plugin_print_time("last_used", " used %u sec", tm->lastuse);
	plugin_print_time("first_used", " firstused %u sec", tm->firstuse);
	plugin_print_time("expires", " expires %u sec", tm->expires);
}

#endif /* MIRRORX_TC_PLUGIN_H */
