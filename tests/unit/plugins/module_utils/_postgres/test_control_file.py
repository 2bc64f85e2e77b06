# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.control_file import LENGTH, ControlFile, parse

# The first bytes of the files of running servers, and what pg_controldata said of each.
FILES = {
    15: (
        "c3d96bba5637006b1405000025770d0c0600000000000000b538006b000000009800000400000000"
        "60000004000000000100000001000000",
        ControlFile(7710223407692634563, 0x4000098, 0x4000060, 1),
    ),
    17: (
        "b21c7be05c36006ba40600008979100c06000000000000007438006b000000002001000300000000"
        "c8000003000000000100000001000000",
        ControlFile(7710222334589344946, 0x3000120, 0x30000C8, 1),
    ),
    18: (
        "71ec64b05137006b080700003300120c0600000000000000b338006b000000002001000200000000"
        "c8000002000000000100000001000000",
        ControlFile(7710223386049571953, 0x2000120, 0x20000C8, 1),
    ),
}


@pytest.mark.parametrize("version", FILES)
def test_the_files_of_several_versions_are_read(version: int) -> None:
    text, expected = FILES[version]
    data = bytes.fromhex(text)
    assert len(data) == LENGTH
    assert parse(data) == expected


@pytest.mark.parametrize(
    "data", [b"", bytes.fromhex(FILES[17][0])[:48], bytes(LENGTH), bytes.fromhex(FILES[17][0])[::-1]]
)
def test_anything_else_is_not(data: bytes) -> None:
    assert parse(data) is None
