// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the tests: network devices that can what no device of a VM can.
 *
 *	stamp, cookie	receive stamps of the hardware
 *	crypt		encryption by the device: TLS and IPsec
 *	opaque		payload that the CPU must not read
 *
 * The latter two come in pairs: "ip link add A type KIND", then "ip link add B
 * link A type KIND"; then either may go to another namespace.
 */
#include <linux/module.h>

#include "testdev.h"

static struct rtnl_link_ops *kinds[] = {
	&stamp_link_ops, &crypt_link_ops, &opaque_link_ops,
#ifdef HAVE_COOKIES
	&cookie_link_ops,
#endif
};

static void unregister(int count)
{
	while (count--)
		rtnl_link_unregister(kinds[count]);
}

static int __init testdev_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		err = rtnl_link_register(kinds[i]);
		if (err) {
			unregister(i);
			return err;
		}
	}
	return 0;
}

static void __exit testdev_exit(void)
{
	unregister(ARRAY_SIZE(kinds));
}

module_init(testdev_init);
module_exit(testdev_exit);
MODULE_DESCRIPTION("Devices for the tests of act_mirrorx");
MODULE_LICENSE("GPL");
