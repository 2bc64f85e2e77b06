# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a recovery, which a person reads before the confirmation."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.action import recovery_plan
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._recovery.test_plan_text import VARIABLES, shown

GIVEN: dict[str, Any] = {
    "recovery": VARIABLES["barman_recovery"],
    "proof": VARIABLES["barman_proof"],
    "host": VARIABLES["barman_host"],
}


def test_the_plan_is_shown_as_lines() -> None:
    cluster = VARIABLES["barman_replaced"]["cluster"]
    found = run_action(recovery_plan, **GIVEN, cluster=cluster, recorded=["an earlier recovery left /srv/old"])
    assert "\n".join(found["msg"]) + "\n" == shown(VARIABLES, ["an earlier recovery left /srv/old"])
    assert (found["changed"], found["_ansible_verbose_always"]) == (False, True)


def test_without_a_cluster_it_is_a_directory_of_the_backup_server() -> None:
    recovery = {**GIVEN["recovery"], "directory": "/srv/copy", "target": "backup-eu", "in_place": False}
    lines = run_action(recovery_plan, **{**GIVEN, "recovery": recovery})["msg"]
    assert "Recover to:      /srv/copy on backup-eu; it is not started there" in lines


def test_a_plan_needs_the_proof() -> None:
    message, _result = failed_action(recovery_plan, recovery=GIVEN["recovery"], host=GIVEN["host"])
    assert message == "missing required arguments: proof"
