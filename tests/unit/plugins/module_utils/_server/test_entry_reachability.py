# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.reachability import Reach
from ansible_collections.pgdr.barman.plugins.module_utils._server.entry_reachability import unreachable

BEFORE = {
    "conninfo": "host=198.51.100.21 port=5432 user=barman",
    "streaming_conninfo": "host=198.51.100.21 user=streaming",
}


def problems(after: dict[str, str], reach: Reach, before: dict[str, str] | None = None) -> tuple[list[str], list[str]]:
    """What is reported, and which addresses were tried."""
    tried: list[str] = []

    def probe(host: str, port: str) -> Reach:
        tried.append(f"{host}:{port}")
        return reach

    return list(unreachable("pg", BEFORE if before is None else before, after, probe)), tried


@pytest.mark.parametrize("reach", [Reach.NAME, Reach.NO_ROUTE, Reach.TIMEOUT])
def test_a_new_address_without_a_machine_is_refused(reach: Reach) -> None:
    moved = {option: value.replace(".21", ".99") for option, value in BEFORE.items()}
    ((problem,), tried) = problems(moved, reach)
    assert tried == ["198.51.100.99:5432"]
    assert problem.startswith("server 'pg': conninfo would connect to 198.51.100.99, port 5432, and it")
    assert "Its entry does not change. Correct ansible_host, barman_postgres_host or barman_postgres_port" in problem


@pytest.mark.parametrize("reach", [Reach.CONNECTED, Reach.REFUSED, Reach.UNKNOWN])
def test_a_machine_that_is_there_may_still_be_configured_by_the_same_run(reach: Reach) -> None:
    assert problems({"conninfo": "host='db.example.com' port = 5433"}, reach) == ([], ["db.example.com:5433"])


def test_an_address_that_stays_is_not_tried_and_a_new_entry_neither() -> None:
    assert problems({**BEFORE, "retention_policy": "REDUNDANCY 2"}, Reach.NAME) == ([], [])
    assert problems(BEFORE, Reach.NAME, {}) == ([], [])
    assert problems({"primary_ssh_command": "ssh x"}, Reach.NAME) == ([], [])
