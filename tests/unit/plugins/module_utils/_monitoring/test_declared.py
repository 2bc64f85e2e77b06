# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's entry in the words of the inventory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.declared import declared
from tests.unit.plugins.module_utils._monitoring.watched_host import WatchedHost


def test_a_cluster_has_no_host_of_its_own(tmp_path: Path) -> None:
    entry = WatchedHost.cluster(tmp_path).observe().servers["pg"].entry
    found = declared(entry, {}, increments=False, synchronous=False)
    assert {name: found[name] for name in ("barman_cluster", "barman_postgres_host", "barman_postgres_port")} == {
        "barman_cluster": "pg",
        "barman_postgres_host": None,
        "barman_postgres_port": None,
    }
    (tmp_path / "alone").mkdir()
    entry = WatchedHost(tmp_path / "alone", conninfo="host=pg port=5433").observe().servers["pg"].entry
    found = declared(entry, {}, increments=False, synchronous=False)
    assert (found["barman_cluster"], found["barman_postgres_host"], found["barman_postgres_port"]) == (None, "pg", 5433)


@pytest.mark.parametrize(("written", "number"), [("two", None), ("--5", None), ("2", 2), ("", 0)])
def test_values_that_are_no_numbers(tmp_path: Path, written: str, number: int | None) -> None:
    host = WatchedHost(tmp_path, minimum_redundancy=written, parallel_jobs=written)
    entry = host.observe().servers["pg"].entry
    found = declared(entry, {}, increments=False, synchronous=False)
    assert found["barman_minimum_redundancy"] == number
    assert found["barman_options"].get("parallel_jobs", 0) == (written if number is None else number)
