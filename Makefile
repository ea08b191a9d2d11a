# SPDX-License-Identifier: GPL-2.0-only
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
DESTDIR ?=
VERSION ?= $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
release = $(shell $(MAKE) -s -C $(KDIR) kernelrelease)
programs = $(DESTDIR)/usr/share/mirrorx
sourcedir = $(DESTDIR)/usr/src/act_mirrorx-$(VERSION)

all: module plugin

module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

plugin:
	$(MAKE) -C iproute2-patch

# For the running kernel, or that of KVER= or KDIR=, and for tc.  Where there is
# dkms, install-source and install-tools are enough, and last longer.
install: install-module install-tools install-sessions

install-module: module
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates modules_install
	$(if $(DESTDIR),,depmod $(release))

install-tools:
	$(MAKE) -C iproute2-patch install

# In Python: what mirrors after a boot, too, and what other programs take.
install-sessions:
	$(MAKE) -C sessions install
	install -d $(programs)
	install programs/merge-spec $(programs)/
	install -m 644 programs/*.yaml programs/*.py $(programs)/

# What dkms needs, where it looks for it.
install-source:
	install -d $(sourcedir)
	cp -r Kbuild Makefile net include $(sourcedir)/
	sed 's/#MODULE_VERSION#/$(VERSION)/' dkms.conf >$(sourcedir)/dkms.conf

uninstall:
	rm -f $(DESTDIR)/lib/modules/$(release)/updates/act_mirrorx.ko*
	$(if $(DESTDIR),,depmod $(release))
	rm -rf $(sourcedir) $(programs)
	$(MAKE) -C iproute2-patch uninstall
	$(MAKE) -C sessions uninstall

# Debian and RPM packages, in out/packages.
deb rpm:
	@$(MAKE) --no-print-directory -C selftests $@

# What runs in VMs, and the packages that it takes: selftests/Makefile.
tests = check lint unit collectors collectors-doc invariants-doc demo readme cluster cluster-doc bench \
	bench-native bench-doc bench-check kernel-tests profile check-debug check-all check-packages check-matrix
$(tests):
	@$(MAKE) --no-print-directory -C selftests $@

clean:
	rm -rf out build
	find . -name .git -prune -o \( -name '*.o' -o -name '*.ko' -o \
		-name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o \
		-name '*.so' -o -name Module.symvers -o -name modules.order \
		\) -exec rm -f {} +

.PHONY: all module plugin install install-module install-tools install-sessions install-source \
	uninstall deb rpm $(tests) clean
