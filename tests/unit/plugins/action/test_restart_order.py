# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a host restarts, from what the members of the run handed on."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.action import restart_order
from tests.unit.plugins.action.running import failed_action, run_action


def replication(running: int, pending: int, *, standby: bool) -> dict[str, Any]:
    settings = {"max_wal_senders": {"running": running, "pending": pending}}
    return {"in_recovery": standby, "streaming": standby, "position": "0/3000148", "settings": settings}


def variables(host: str, lost: tuple[str, ...] = (), **found: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "inventory_hostname": host,
        "ansible_play_hosts_all": list(found),
        "ansible_play_hosts": [name for name in found if name not in lost],
        "hostvars": {name: {} if one is None else {"barman_replication": one} for name, one in found.items()},
    }


RAISED: dict[str, Any] = {"a": replication(3, 10, standby=False), "b": replication(3, 10, standby=True)}


def test_a_standby_and_its_primary() -> None:
    assert run_action(restart_order, variables("b", **RAISED), members=["a"]) == {
        "changed": False,
        "turn": 0,
        "turns": [0],
        "earlier": [],
        "later": ["b", "a"],
        "replays": None,
    }
    assert run_action(restart_order, variables("a", **RAISED), members=["b"]) == {
        "changed": False,
        "turn": 1,
        "turns": [0, 1],
        "earlier": ["b"],
        "later": ["a"],
        "replays": None,
    }


def test_a_standby_replays_what_its_primary_lowered() -> None:
    lowered: dict[str, Any] = {"a": replication(10, 3, standby=False), "b": replication(10, 3, standby=True)}
    found = run_action(restart_order, variables("b", **lowered), members=["a"])
    assert (found["turn"], found["replays"]) == (1, "a")


def test_members_that_need_no_restart_or_are_not_in_the_run() -> None:
    found = run_action(
        restart_order, variables("a", a=RAISED["a"], b=None, other=RAISED["b"]), members=["b", "elsewhere"]
    )
    assert (found["turn"], found["earlier"], found["later"]) == (0, [], ["a"])


def test_a_member_that_the_run_lost_before() -> None:
    found = run_action(restart_order, variables("a", ("b",), a=RAISED["a"], b=None), members=["b"])
    assert (found["turn"], found["earlier"]) == (0, ["b"])


def test_no_order_is_possible() -> None:
    given: dict[str, Any] = {"a": replication(3, 10, standby=False), "b": replication(3, 4, standby=True)}
    message, _result = failed_action(restart_order, variables("a", **given), members=["b"])
    assert message.startswith("Nothing was restarted of a, b: max_wal_senders will be 4 on b, a standby, and 10 on a")
