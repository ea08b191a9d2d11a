# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of sampling.sh: sends what is mirrored."""
from cases import ACK, PSH, TCP4, Wire, case, done, enter, pattern, stream, super_packet


def pktgen(count):
    """COUNT small frames, each with its number in it, out of eth0 of src"""
    enter("src")

    def say(where, *words):
        with open(f"/proc/thread-self/net/pktgen/{where}", "w") as file:
            file.write(" ".join(words) + "\n")

    say("kpktgend_0", "rem_device_all")
    say("kpktgend_0", "add_device", "eth0")
    for words in ("xmit_mode queue_xmit", "clone_skb 0", f"count {count}", "delay 0", "pkt_size 60",
                  "dst 198.51.100.99", "dst_mac 02:00:00:00:00:99"):
        say("eth0", words)
    say("pgctrl", "start")
    say("kpktgend_0", "rem_device_all")


def sampled(name, *sessions, **words):
    return case(name, "egress", Wire("src"), sessions, settle=0.1, **words)


with sampled("200000 frames", "sample 10 trunc 64", "sample 1000 trunc 64", flood=200000):
    pktgen(200000)
with sampled("20000 frames", "sample 1 trunc 64", "sample 2 trunc 64", "sample 3 trunc 64",
             flood=20000):
    pktgen(20000)
with sampled("segments of TCP", "sample 3", "sample 20"):
    stream("egress", "198.51.100.2", 3000000)
with sampled("segments made by hand", "sample 3", "sample 20", uncounted=True):
    vnet = Wire("src", vnet=True)
    for number in range(150):
        vnet.send(super_packet(TCP4, 1000, pattern(20000, number), PSH | ACK, seq=20000 * number,
                               ident=number))
done()
