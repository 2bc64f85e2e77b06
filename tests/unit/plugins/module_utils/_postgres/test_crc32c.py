# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CRC-32C: the published vectors, and every way of computing it against the plain one."""

from __future__ import annotations

import random

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.crc32c import crc32c, crc32c_of_each


def plain(data: bytes, before: int = 0) -> int:
    """Bit by bit, as the definition has it."""
    register = before ^ 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _bit in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


# RFC 3720, B.4
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_published_vectors(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    assert crc32c_of_each([data] * 20) == [crc] * 20


@pytest.mark.parametrize("length", [1, 511, 512, 8191, 8192, 8193, 20000, 1048576, 1048577 + 8192])
def test_a_long_string_is_cut_into_lanes(length: int) -> None:
    data = random.Random(length).randbytes(length)
    pieces = 0
    for start in range(0, length, 4000):
        pieces = crc32c(data[start : start + 4000], pieces)
    assert crc32c(data) == pieces
    if length <= 20000:
        assert crc32c(data) == plain(data)
        assert crc32c(data[100:], plain(data[:100])) == plain(data)


def test_many_strings_of_all_lengths_side_by_side() -> None:
    numbers = random.Random(1)
    strings = [numbers.randbytes(numbers.choice([0, 1, 3, 4, 5, 24, 50, 51, 52, 60, 400, 9000])) for _ in range(600)]
    strings += [bytes(40), b"\0" * 60 + b"x", b"\xff" * 4] * 20
    assert crc32c_of_each(strings) == [plain(string) for string in strings]
