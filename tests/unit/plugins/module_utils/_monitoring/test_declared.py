# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's entry in the words of the inventory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.declared import declared
from tests.unit.plugins.module_utils._monitoring.watched_host import WatchedHost


@pytest.mark.parametrize(("written", "number"), [("two", None), ("--5", None), ("2", 2), ("", 0)])
def test_values_that_are_no_numbers(tmp_path: Path, written: str, number: int | None) -> None:
    host = WatchedHost(tmp_path, minimum_redundancy=written, parallel_jobs=written)
    entry = host.observe().servers["pg"].entry
    found = declared(entry, {}, increments=False, synchronous=False)
    assert found["barman_minimum_redundancy"] == number
    assert found["barman_options"].get("parallel_jobs", 0) == (written if number is None else number)
