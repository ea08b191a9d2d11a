#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for secrets.sh: is anything exported that the wire would not have shown?

The wire is what the other end sees: copies have to be the same bytes in the same order, less the
frames that have no secrets there, but here.  Without this test, a mirror on a host with a card that
encrypts would send passwords in clear, and nobody would know: no other device of a VM encrypts.
"""
import platform
import socket
import struct

import hidden
import rawtc
from guest import batch, must, netns, run, wait_for
from hidden import (DATAGRAM, FAR, HERE, IN_SPI, KEY, OUT_SPI, THERE, exchange, in_clear, is_esp, is_tls,
                    judge, mirror, no_states, nothing, ping, states, tls_session, topology)
from tap import finish, ok

NETLINK_XFRM, NEWSA, NEWPOLICY = 6, 0x10, 0x13
ALG_AEAD, TMPL, OFFLOAD_DEV = 18, 5, 28                 # XFRMA_*
INBOUND, PACKET = 2, 4                                  # XFRM_OFFLOAD_*
ESP, TRANSPORT, TUNNEL = 50, 0, 1
ESP_AT, PAYLOAD_AT = 34, 50                             # in a frame of IPv4
IN, OUT = 0, 1                                          # XFRM_POLICY_*


def device_tls():
    for family in 4, 6:
        what = f"TLS by the device, IPv{family}"
        with mirror() as watch:
            tls_session(what, family)
            ping(family)
            judge(what, watch, {"egress": is_tls, "ingress": nothing})
            ok(not any(map(in_clear, watch.on_wire("egress"))), f"{what}: the wire does not show it")
    must("ethtool -K c0 tls-hw-tx-offload off", "src")
    with mirror() as watch:
        tls_session("TLS by the kernel", 4)
        judge("TLS by the kernel", watch, {"egress": nothing, "ingress": nothing})
    must("ethtool -K c0 tls-hw-tx-offload on", "src")


def esp(what, family, mode, offload, secret):
    """secret: at which hooks ESP is; what was in a tunnel comes in once more, in clear"""
    tunnel = mode == "tunnel"
    states(family, mode, offload)
    with mirror(tunnel=tunnel) as watch:
        exchange(what, family)
        judge(what, watch, {hook: is_esp if hook in secret else nothing for hook in watch.hooks},
              lambda: tunnel and sum(map(is_esp, watch.on_wire("ingress"))))
        wire = [frame for hook in watch.hooks for frame in watch.on_wire(hook)]
        ok(sum(map(is_esp, wire)) > 15 and not any(map(in_clear, wire)),
           f"{what}: the wire has it in ESP", sum(map(is_esp, wire)))
    no_states()


def kernel_esp():
    """Encrypted before the hook if the offload module is not loaded, and behind it if it is."""
    for family, mode in (4, "transport"), (6, "transport"), (4, "tunnel"):
        esp(f"ESP by the kernel, {mode}, IPv{family}", family, mode, False, ())


def late_esp():
    for family, mode in (4, "transport"), (6, "tunnel"):
        esp(f"ESP by the kernel behind the hook, {mode}, IPv{family}", family, mode, False, ("egress",))


def device_esp():
    for family, mode in (4, "transport"), (6, "transport"), (4, "tunnel"):
        esp(f"ESP by the device, {mode}, IPv{family}", family, mode, True, ("egress", "ingress"))


def exported(description, watch, least):
    """With "plaintext", all is copied as it is here."""
    wait_for(4, lambda: len(watch.copied.copies()) == watch.counts()["sent"] and len(watch.leaked()) >= least)
    counts = watch.counts()
    ok(len(watch.leaked()) >= least and counts["secret"] == 0 and counts["sent"] == counts["seen"] ==
       len(watch.copied.copies()), f"{description}: plaintext exports it", len(watch.leaked()), counts)


def same_but_payload(copy, frame):
    """Of a TCP segment over IPv4"""
    return len(copy) == len(frame) and copy[:50] == frame[:50] and copy[52:66] == frame[52:66]


def plaintext():
    with mirror(words="plaintext") as watch:
        tls_session("TLS by the device, plaintext", 4)
        exported("TLS by the device", watch, 7)
        wait_for(4, lambda: len(watch.copies_at("egress")) == len(watch.on_wire("egress")))
        copies, wire = watch.copies_at("egress"), watch.on_wire("egress")
        ok(len(copies) == len(wire) and all(map(same_but_payload, copies, wire)),
           "TLS by the device, plaintext: only the payload differs from the wire", len(copies), len(wire))
    for offload, mode in (True, "transport"), (False, "tunnel"):
        what = f"ESP by the {'device' if offload else 'kernel'}, {mode}"
        states(4, mode, offload)
        with mirror(words="plaintext") as watch:
            exchange(f"{what}, plaintext", 4)
            exported(what, watch, 10)
            iv_blank(what, watch)
        no_states()


def iv_blank(description, watch):
    """Until somebody encrypts the packet, there is what memory has left."""
    ivs = {frame[ESP_AT + 8:PAYLOAD_AT].hex() for frame in watch.copies_at("egress") if is_esp(frame)}
    ok(ivs == {"00" * 8}, f"{description}: nothing of other packets is where the IV will be", ivs)


def esp_segments():
    """A device that cuts packets of ESP by itself gets the same one; the copies are cut from another."""
    what = "ESP cut by the device"
    must("ethtool -K c0 tso on tx-esp-segmentation on", "src")
    states(4, "transport", True)
    with mirror(words="plaintext") as watch:
        client, server = hidden.pair(4, socket.SOCK_STREAM)
        client.sendall(hidden.STREAM)
        wait_for(4, lambda: any(len(frame) > len(hidden.STREAM) // 2 for frame in watch.on_wire("egress")))
        large = [frame for frame in watch.on_wire("egress") if len(frame) > 1514]
        ok(large and all(is_esp(frame) and in_clear(frame) and
                         struct.unpack_from("!I", frame, ESP_AT)[0] == OUT_SPI for frame in large),
           f"{what}: it is given what the stack has made", hidden.brief(large))
        wait_for(4, lambda: hidden.STREAM in b"".join(map(payload, watch.copies_at("egress"))))
        copies = watch.copies_at("egress")
        ok(hidden.STREAM in b"".join(map(payload, copies)) and max(map(len, copies)) <= 1514,
           f"{what}: plaintext exports its segments", hidden.brief(copies), watch.counts())
        iv_blank(what, watch)
        for end in client, server:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
            end.close()
    no_states()
    must("ethtool -K c0 tso off tx-esp-segmentation off", "src")


def payload(frame):
    """Of TCP in ESP"""
    if not is_esp(frame):
        return b""
    return frame[PAYLOAD_AT + (frame[PAYLOAD_AT + 12] >> 4) * 4:]


def forwarded(what, offload=None):
    """What was decrypted and goes on in clear is not secret behind this host."""
    ends = f"src {THERE[4]} dst {FAR}"
    tmpl = f"tmpl src {THERE[4]} dst {HERE[4]} proto esp reqid {IN_SPI} mode tunnel"
    state = f"src {THERE[4]} dst {HERE[4]} proto esp spi {IN_SPI} reqid {IN_SPI} mode tunnel"
    batch("ip", f"""xfrm state add {state} aead {KEY}
        xfrm policy add dir out {ends} {tmpl}""", "peer")
    must(f"ip -n src xfrm policy add dir fwd {ends} {tmpl}")
    if offload == PACKET:
        Xfrm("src").state(THERE[4], HERE[4], IN_SPI, TUNNEL, INBOUND | PACKET)
    else:
        must(f"ip -n src xfrm state add {state} aead {KEY}{' offload dev c0 dir in' if offload else ''}")
    with netns("far"):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((FAR, 9))
    with netns("peer"):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect((FAR, 9))
    server.settimeout(10)
    with mirror("f0", end=("far", "eth0"), hooks=("egress",)) as watch, mirror("c0") as before:
        passed = hidden.pass_on(client, server, DATAGRAM)
        ok(not passed, f"{what}: it is forwarded", passed)
        wait_for(4, lambda: any(map(in_clear, watch.copies_at("egress"))))
        copies, wire = watch.copies_at("egress"), watch.on_wire("egress")
        ok(any(map(in_clear, copies)) and all(copy in wire for copy in copies if in_clear(copy)),
           f"{what}: what goes on in clear is copied", hidden.brief(copies), watch.counts())
        ok(not any(map(in_clear, before.copies_at("ingress"))) and before.counts()["secret"],
           f"{what}: but not where it came in", before.counts())
    client.close()
    server.close()
    no_states()


class Xfrm:
    """States and policies of "packet" offload, which ip does not know yet."""

    def __init__(self, ns):
        with netns(ns):
            self.ifindex = socket.if_nametoindex("c0")
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
        self.socket.settimeout(20)

    def talk(self, what, body):
        """The error, or 0"""
        self.socket.send(struct.pack("=IHHII", 16 + len(body), what, 5, 1, 0) + body)
        return -struct.unpack_from("=i", self.socket.recv(1 << 16), 16)[0]

    def offload(self, flags):
        return rawtc.attr(OFFLOAD_DEV, struct.pack("=iBxxx", self.ifindex, flags))

    @staticmethod
    def selector(src=None, dst=None, proto=0):
        addresses = (rawtc.address(dst) + bytes(12) + rawtc.address(src) + bytes(12)) if src else bytes(32)
        bits = 32 if src else 0
        return addresses + struct.pack("=HHHHHBBB3xiI", 0, 0, 0, 0, socket.AF_INET, bits, bits, proto, 0, 0)

    @staticmethod
    def ident(dst, spi):
        return rawtc.address(dst) + bytes(12) + struct.pack("!IB3x", spi, ESP)

    LIFETIME = struct.pack("=8Q", *[(1 << 64) - 1] * 4, *[0] * 4)

    def state(self, src, dst, spi, mode, flags):
        body = self.selector() + self.ident(dst, spi) + rawtc.address(src) + bytes(12) + self.LIFETIME + \
            bytes(32 + 12) + struct.pack("=IIHBBB7x", 0, spi, socket.AF_INET, mode, 0, 0)
        aead = struct.pack("=64sII", b"rfc4106(gcm(aes))", 160, 128) + 20 * b"\x5a"
        return self.talk(NEWSA, body + rawtc.attr(ALG_AEAD, aead) + self.offload(flags))

    def policy(self, src, dst, spi, way, proto):
        body = self.selector(src, dst, proto) + self.LIFETIME + bytes(32) + \
            struct.pack("=IIBBBB4x", 0, 0, way, 0, 0, 0)
        tmpl = self.ident(dst, 0) + struct.pack("=HH", socket.AF_INET, 0) + rawtc.address(src) + bytes(12) + \
            struct.pack("=IBBBxIII", spi, TRANSPORT, 0, 0, *[(1 << 32) - 1] * 3)
        return self.talk(NEWPOLICY, body + rawtc.attr(TMPL, tmpl) + self.offload(PACKET))


def packet_offload():
    """The device makes the ESP packets, too."""
    what = "ESP all by the device"
    states(4, "transport")              # peer's; src gets others
    batch("ip", "xfrm policy flush\nxfrm state flush", "src")
    xfrm, wrong = Xfrm("src"), []
    for src, dst, spi, way in (HERE[4], THERE[4], OUT_SPI, OUT), (THERE[4], HERE[4], IN_SPI, IN):
        wrong.append(xfrm.state(src, dst, spi, TRANSPORT, PACKET | (INBOUND if way == IN else 0)))
        wrong += [xfrm.policy(src, dst, spi, way, proto)
                  for proto in (socket.IPPROTO_UDP, socket.IPPROTO_TCP)]
    if platform.release().startswith("6.1."):
        ok(wrong[0] and wrong[3], f"{what}: 6.1 knows no such states, and says so", wrong)
        return no_states()
    ok(not any(wrong), f"{what}: the kernel takes it", wrong)
    batch("ip", "xfrm policy flush\n" + "\n".join(
        f"""xfrm policy add dir out src {THERE[4]} dst {HERE[4]} proto {proto} tmpl proto esp reqid {IN_SPI}
        xfrm policy add dir in src {HERE[4]} dst {THERE[4]} proto {proto} tmpl proto esp reqid {OUT_SPI}"""
        for proto in ("udp", "tcp")), "peer")
    with mirror() as watch:
        exchange(what, 4)
        judge(what, watch, {hook: is_esp for hook in watch.hooks})
        counts = watch.counts()
        ok(counts["secret"] > 15 and not any(map(in_clear, watch.on_wire("egress"))),
           f"{what}: the wire does not show it", counts)
    return no_states()


def main():
    run("rmmod esp4_offload esp6_offload")
    must("modprobe -a testdev tls esp4 esp6 sch_ingress cls_matchall")
    topology()
    device_tls()
    kernel_esp()
    must("modprobe -a esp4_offload esp6_offload")
    late_esp()
    device_esp()
    forwarded("a tunnel decrypted by the kernel", False)
    forwarded("a tunnel decrypted by the device", True)
    packet_offload()
    if not platform.release().startswith("6.1."):
        forwarded("a tunnel that the device took off", PACKET)
    plaintext()
    esp_segments()
    finish()


main()
