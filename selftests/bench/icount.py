# SPDX-License-Identifier: GPL-2.0-only
"""VMs whose clock counts instructions: each takes one nanosecond."""
import fcntl
from argparse import Namespace
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent


def load_bed():
    """selftests/run, which boots VMs, as a module."""
    spec = spec_from_loader("bed", SourceFileLoader("bed", str(HERE.parent / "run")))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bed = load_bed()


class CountingVm(bed.Vm):
    """A VM in which all is the same each time, whatever else the host does."""

    def __init__(self, release, directory, parameters, options):
        super().__init__(release, directory, Namespace(smp=1, keep=False, selftest=False))
        self.parameters, self.options = parameters, options

    def command(self, accel):
        *command, append = super().command("tcg")
        return [*command, f"{append} nokaslr norandmaps {self.parameters}",
                "-icount", "shift=0,sleep=off", "-rtc", "base=2020-01-01,clock=vm", "-seed", "1",
                *self.options]


@contextmanager
def alone():
    """While this lasts, nobody else uses this tree."""
    bed.OUT.mkdir(exist_ok=True)
    with open(bed.OUT / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def kernels(wanted):
    """(release, directory) of kernels, while nobody else uses this tree."""
    with alone():
        yield bed.kernels(wanted, "cloud")


def run_in(vm, script):
    """Run a script of this directory in a VM: the test, as the bed judges it."""
    test = bed.Test(HERE / script, vm.out)
    if vm.build():
        vm.run([test], "tcg")
    else:
        test.fail("the module does not build")
    return test


def run(release, directory, script, parameters="", options=()):
    """Run a script of this directory on one kernel whose clock counts."""
    return run_in(CountingVm(release, directory, parameters, options), script)
