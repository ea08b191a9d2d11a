# SPDX-License-Identifier: GPL-2.0-only
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

all: module plugin

module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

plugin:
	$(MAKE) -C iproute2-patch

# What runs in VMs, and the packages that it takes: selftests/Makefile.
check lint unit collectors collectors-doc invariants-doc demo readme bench bench-native bench-doc bench-check \
	kernel-tests profile check-debug check-all:
	@$(MAKE) --no-print-directory -C selftests $@

clean:
	rm -rf out build
	find . -name .git -prune -o \( -name '*.o' -o -name '*.ko' -o \
		-name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o \
		-name '*.so' -o -name Module.symvers -o -name modules.order \
		\) -exec rm -f {} +

.PHONY: all module plugin check lint unit collectors collectors-doc invariants-doc demo readme bench \
	bench-native bench-doc bench-check kernel-tests profile check-debug check-all clean
