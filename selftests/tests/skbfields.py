# SPDX-License-Identifier: GPL-2.0-only
"""In a VM: what the kernel knows about each packet, as act_bpf sees it before and after another action."""
import ctypes
import mmap
import os
import resource
import struct

import rawtc

SYS_BPF = 321
MAP_CREATE, PROG_LOAD = 0, 5
MAP_ARRAY, F_MMAPABLE = 2, 1 << 10
PROG_SCHED_ACT = 4
ACT_BPF_FD, ACT_BPF_NAME = 5, 6
RECORDS = 8192                  # the first one counts the others
# struct __sk_buff; with 64 bits the last
FIELDS = {"len": 0, "pkt_type": 4, "mark": 8, "queue_mapping": 12, "protocol": 16, "vlan_present": 20,
          "vlan_tci": 24, "vlan_proto": 28, "priority": 32, "ingress_ifindex": 36, "ifindex": 40,
          "tc_index": 44, "hash": 68, "tc_classid": 72, "napi_id": 84, "wire_len": 160, "gso_segs": 164,
          "gso_size": 176, "tstamp": 152}
RECORD = struct.Struct(f"={len(FIELDS) - 1}IQ")
R0, R1, R2, _, _, _, R6, R7, R8, _, R10 = range(11)
_libc = ctypes.CDLL(None, use_errno=True)
# Kernels before 5.11 count maps as locked memory.
resource.setrlimit(resource.RLIMIT_MEMLOCK, 2 * (resource.RLIM_INFINITY,))


def bpf(command, data):
    attr = ctypes.create_string_buffer(data, 128)
    descriptor = _libc.syscall(SYS_BPF, command, attr, 128)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return descriptor


def op(code, dst=0, src=0, offset=0, value=0):
    return struct.pack("=BBhi", code, src << 4 | dst, offset, value)


def load_map(descriptor):
    return op(0x18, R1, 1, 0, descriptor) + op(0)


def program(descriptor):
    """Number this packet, store its fields in the record of that number, go on to the next action."""
    look_up = load_map(descriptor) + op(0xbf, R2, R10) + op(0x07, R2, value=-4) + op(0x85, value=1)
    copies = b"".join(op(0x61, R1, R6, offset) + op(0x63, R0, R1, 4 * at)
                      for at, offset in enumerate(list(FIELDS.values())[:-1]))
    copies += op(0x79, R1, R6, FIELDS["tstamp"]) + op(0x7b, R0, R1, RECORD.size - 8)
    rest = op(0x63, R10, R8, -4) + look_up
    rest += op(0x15, R0, offset=len(copies) // 8) + copies
    count = op(0x79, R8, R0) + op(0x07, R8, value=1) + op(0x7b, R0, R8)
    return (op(0xbf, R6, R1) + op(0x62, R10, offset=-4) + look_up +
            op(0x15, R0, offset=(len(count) + len(rest)) // 8) + count + rest +
            op(0xb7, R0, value=rawtc.PIPE) + op(0x95))


class Fields:
    """An action that records, and what it has recorded."""

    def __init__(self):
        self.map = bpf(MAP_CREATE, struct.pack("=IIIII", MAP_ARRAY, 4, RECORD.size, RECORDS, F_MMAPABLE))
        code = ctypes.create_string_buffer(program(self.map))
        name = ctypes.create_string_buffer(b"GPL")
        log = ctypes.create_string_buffer(1 << 16)
        self.memory = mmap.mmap(self.map, RECORDS * RECORD.size)
        try:
            self.program = bpf(PROG_LOAD, struct.pack(
                "=IIQQIIQ", PROG_SCHED_ACT, len(code.raw) // 8, ctypes.addressof(code),
                ctypes.addressof(name), 1, len(log), ctypes.addressof(log)))
        except OSError as error:
            raise RuntimeError(log.value.decode()) from error
        os.set_inheritable(self.program, False)

    def action(self, order):
        """For a filter."""
        return rawtc.action(rawtc.nest(rawtc.OPTIONS, rawtc.parms(), rawtc.attr(ACT_BPF_FD, self.program),
                                       rawtc.attr(ACT_BPF_NAME, b"fields\0")), kind="bpf", order=order)

    def take(self):
        """All records since the last time."""
        count = struct.unpack_from("=Q", self.memory)[0]
        assert count < RECORDS, "more packets than records"
        self.memory[:8] = bytes(8)
        return [dict(zip(FIELDS, RECORD.unpack_from(self.memory, number * RECORD.size)))
                for number in range(1, count + 1)]
