// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU: how often each translated block was executed.
 *
 *	-plugin file=blocks.so,out=FILE
 *
 * FILE gets a line for each block: address, instructions, executions.  A block
 * is known by its first two; where the guest had other code at the same place,
 * the two add up.
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
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op,
					      void *to, uint64_t add);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*translated)(qemu_plugin_id_t,
							      struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    void (*done)(qemu_plugin_id_t, void *),
				    void *data);

int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			char **argv);

struct block {
	struct block *next;
	uint64_t addr, insns, executed;
};

static struct block *blocks[1 << 18];
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

/* One virtual CPU, so there is one thread that translates. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = find(qemu_plugin_tb_vaddr(tb),
				   qemu_plugin_tb_n_insns(tb));

	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &block->executed, 1);
}

static void done(qemu_plugin_id_t id, void *data)
{
	const struct block *block;
	size_t i;

	for (i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		for (block = blocks[i]; block; block = block->next)
			if (block->executed)
				fprintf(out, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n",
					block->addr, block->insns, block->executed);
	fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, done, NULL);
	return 0;
}
