# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.sshd_time import sshd_time

# 2026-11-21 09:30:00 UTC
EPOCH = "1795253400"


@pytest.mark.parametrize(
    ("offset", "seconds", "expected"),
    [
        ("+0000", 0, "20261121093000"),
        ("+0000", 3600, "20261121103000"),
        ("+0130", "60", "20261121110100"),
        ("-0500", 0, "20261121043000"),
    ],
)
def test_the_time_is_that_of_the_host_s_zone(offset: str, seconds: int, expected: str) -> None:
    assert sshd_time({"epoch": EPOCH, "tz_offset": offset}, seconds) == expected


@pytest.mark.parametrize(
    "fact", [None, {}, {"epoch": EPOCH}, {"epoch": "soon", "tz_offset": "+0000"}, {"epoch": EPOCH, "tz_offset": ""}]
)
def test_another_fact_is_an_error(fact: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="sshd_time needs the fact date_time with epoch and tz_offset"):
        sshd_time(fact)
