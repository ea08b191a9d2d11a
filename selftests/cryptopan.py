# SPDX-License-Identifier: GPL-2.0-only
"""Crypto-PAn by another's AES: what net/pseudonym.c has to come to."""
import ipaddress

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# The sample of its authors' program, and addresses with what it makes of them
SAMPLE = bytes([21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
                216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2])
PUBLISHED = {"128.11.68.132": "135.242.180.132", "129.118.74.4": "134.136.186.123",
             "130.132.252.244": "133.68.164.234", "141.223.7.43": "141.167.8.160",
             "::1": "78ff:f001:9fc0:20df:8380:b1f1:704:ed",
             "2001:db8::1": "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"}


class Pan:
    def __init__(self, key):
        self.encrypt = Cipher(algorithms.AES(key[:16]), modes.ECB()).encryptor().update
        self.pad = self.encrypt(key[16:])
        self.known = {}

    def address(self, packed):
        """Of 4 or 16 bytes, by the definition: each bit from all those in front of it."""
        if packed not in self.known:
            size = 8 * len(packed)
            bits, pad = int.from_bytes(packed.ljust(16, b"\0"), "big"), int.from_bytes(self.pad, "big")
            flips = 0
            for i in range(size):
                mask = (1 << 128) - (1 << 128 - i)
                block = (bits & mask | pad & ~mask).to_bytes(16, "big")
                flips = flips << 1 | self.encrypt(block)[0] >> 7
            self.known[packed] = (int.from_bytes(packed, "big") ^ flips).to_bytes(len(packed), "big")
        return self.known[packed]

    def text(self, address):
        return str(ipaddress.ip_address(self.address(ipaddress.ip_address(address).packed)))

    def mac(self, packed):
        """A group's stays one; that of all, or none, stays."""
        if packed in (bytes(6), b"\xff" * 6):
            return packed
        made = self.encrypt(packed + self.pad[6:15] + bytes([self.pad[15] ^ 1]))[:6]
        return bytes([made[0] & ~3 | 2 | packed[0] & 1]) + made[1:]

    def derived(self, last):
        return self.encrypt(self.pad[:15] + bytes([self.pad[15] ^ last]))[:8]

    def fingerprint(self):
        return self.derived(3).hex()

    def flows(self):
        """The secret that goes into hashes of flows"""
        return int.from_bytes(self.derived(5), "big")
