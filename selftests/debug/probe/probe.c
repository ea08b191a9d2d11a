// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commits one bug of the kind that its parameter names.  If the debug kernel
 * is silent about it, its silence about mirrorx means nothing either.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/net_namespace.h>

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);
static int __rcu *published;
static int counter;

/* What the compiler must not look through. */
static void *allocate(size_t size)
{
	void *memory = kzalloc(size, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
	return memory;
}

static void overflow(void)
{
	char *memory = allocate(100);

	memory[100] = 1;
	kfree(memory);
}

static void use_after_free(void)
{
	char *memory = allocate(100);

	kfree(memory);
	WRITE_ONCE(memory[50], 1);
}

static void inversion(void)
{
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&second);
}

static void rcu(void)
{
	pr_info("nothing: %p\n", rcu_dereference(published));
}

static void sleep(void)
{
	spin_lock(&first);
	msleep(1);
	spin_unlock(&first);
}

static void shift(void)
{
	int by = 33;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("too far: %d\n", 1 << by);
}

static void leak(void)
{
	int i;

	/* Several, as a stale pointer on a stack may hide one. */
	for (i = 0; i < 10; i++)
		allocate(100);
}

static void percpu(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		int __percpu *memory = alloc_percpu(int);

		OPTIMIZER_HIDE_VAR(memory);
	}
}

/* The second allocation fails, and the first is forgotten. */
static void unhandled(void)
{
	void *memory = allocate(100), *more = allocate(100);

	if (!more)
		return;
	kfree(more);
	kfree(memory);
}

static void unnoticed(void)
{
	int *memory = allocate(100);

	WRITE_ONCE(*memory, 1);
	kfree(memory);
}

static void refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static noinline int deep(int depth)
{
	char room[256];

	memset(room, depth, sizeof(room));
	OPTIMIZER_HIDE_VAR(depth);
	return depth < 0 ? room[0] : deep(depth + 1) + room[1];
}

static void stack(void)
{
	pr_info("not too deep: %d\n", deep(0));
}

static int count(void *unused)
{
	while (!kthread_should_stop()) {
		counter++;
		cond_resched();
	}
	return 0;
}

static void race(void)
{
	struct task_struct *threads[2];
	int i;

	for (i = 0; i < 2; i++) {
		threads[i] = kthread_create(count, NULL, "count");
		if (WARN_ON(IS_ERR(threads[i])))
			return;
		kthread_bind(threads[i], i);
		wake_up_process(threads[i]);
	}
	msleep(2000);
	for (i = 0; i < 2; i++)
		kthread_stop(threads[i]);
}

static void reference(void)
{
	static netdevice_tracker tracker;

	netdev_hold(current->nsproxy->net_ns->loopback_dev, &tracker, GFP_KERNEL);
}

static void nothing(struct timer_list *timer)
{
}

static void timer(void)
{
	struct timer_list *memory = allocate(sizeof(*memory));

	timer_setup(memory, nothing, 0);
	mod_timer(memory, jiffies + HZ);
	kfree(memory);
}

static const struct {
	const char *name;
	void (*commit)(void);
} bugs[] = {
	{ "overflow", overflow },
	{ "use_after_free", use_after_free },
	{ "inversion", inversion },
	{ "rcu", rcu },
	{ "sleep", sleep },
	{ "shift", shift },
	{ "leak", leak },
	{ "reference", reference },
	{ "timer", timer },
	{ "percpu", percpu },
	{ "unhandled", unhandled },
	{ "unnoticed", unnoticed },
	{ "refcount", refcount },
	{ "stack", stack },
	{ "race", race },
};

static int commit(const char *name, const struct kernel_param *param)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(name, bugs[i].name) == 0) {
			bugs[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops ops = { .set = commit };
module_param_cb(bug, &ops, NULL, 0200);
MODULE_PARM_DESC(bug, "which one");

static int __init probe_init(void)
{
	return 0;
}

static void __exit probe_exit(void)
{
}

module_init(probe_init);
module_exit(probe_exit);
MODULE_DESCRIPTION("One bug of each kind");
MODULE_LICENSE("GPL");
