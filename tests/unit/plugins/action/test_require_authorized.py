# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.action import require_authorized
from tests.unit.plugins.action.running import run_action

RUN = "20261120T083000Z-f3a9c1"


def run(**facts: dict[str, Any] | None) -> dict[str, Any]:
    hostvars = {
        host: {} if fact is None else {"barman_unauthorized": fact}
        for host, fact in {"backup": None, "pg": None, **facts}.items()
    }
    return run_action(require_authorized, {"hostvars": hostvars}, run=RUN, source="backup", target="pg")


def test_without_a_refusal_the_recovery_goes_on() -> None:
    assert run() == {"changed": False}


def test_a_refusal_of_an_earlier_run_does_not_count() -> None:
    assert run(pg={"run": "20261119T083000Z-000000", "reason": "pg: no space"}) == {"changed": False}


def test_each_host_s_reason_is_reported() -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        run(pg={"run": RUN, "reason": "pg: no space"}, backup={"run": RUN, "reason": "backup: no user"})
    assert str(caught.value) == "SSH from backup to pg could not be authorized: backup: no user; pg: no space"


def test_the_same_reason_is_reported_once() -> None:
    with pytest.raises(AnsibleActionFail, match=r"authorized: no space$"):
        run(pg={"run": RUN, "reason": "no space"}, backup={"run": RUN, "reason": "no space"})
