// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU: how often each translated block was executed.
 *
 *	-plugin file=blocks.so,mark=ADDRESS,out=FILE
 *
 * Each time when the guest comes to the mark, FILE gets what was executed since
 * the last time: a line for each block (address, instructions, executions) and
 * an empty line.  A block is known by the first two; where the guest had other
 * code at the same place, the two add up.
 *
 * Debian does not package the header of QEMU's plugin interface (version 1),
 * so what is used of it is declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
typedef uint64_t qemu_plugin_id_t;
enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op,
					      void *to, uint64_t add);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*executed)(unsigned int, void *),
					  int flags, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*translated)(qemu_plugin_id_t,
							      struct qemu_plugin_tb *));

int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			char **argv);

struct block {
	struct block *next;
	uint64_t addr, insns, executed;
};

static struct block *blocks[1 << 18];
static uint64_t mark;
static FILE *out;

static struct block *find(uint64_t addr, uint64_t insns)
{
	struct block **bucket = &blocks[(addr ^ addr >> 18) % (1 << 18)];
	struct block *block;

	for (block = *bucket; block; block = block->next)
		if (block->addr == addr && block->insns == insns)
			return block;

	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	*block = (struct block){ .next = *bucket, .addr = addr, .insns = insns };
	return *bucket = block;
}

static void dump(unsigned int cpu, void *data)
{
	struct block *block;
	size_t i;

	for (i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		for (block = blocks[i]; block; block = block->next) {
			if (block->executed)
				fprintf(out, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n",
					block->addr, block->insns, block->executed);
			block->executed = 0;
		}
	}
	fputc('\n', out);
	fflush(out);
}

/* One virtual CPU, so there is one thread that translates and executes. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = find(qemu_plugin_tb_vaddr(tb),
				   qemu_plugin_tb_n_insns(tb));

	if (block->addr == mark)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, dump,
						     QEMU_PLUGIN_CB_NO_REGS,
						     NULL);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &block->executed, 1);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			char **argv)
{
	if (argc != 2 || strncmp(argv[0], "mark=", 5) ||
	    strncmp(argv[1], "out=", 4))
		return -1;
	mark = strtoull(argv[0] + 5, NULL, 16);
	out = fopen(argv[1] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
