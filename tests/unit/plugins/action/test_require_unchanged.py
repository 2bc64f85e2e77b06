# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.action import require_unchanged
from tests.unit.plugins.action.running import run_action

BEFORE = {"backup_id": "20261120T070150", "target": {"kind": "end", "value": None}, "running": False}


def run(after: dict[str, Any]) -> dict[str, Any]:
    return run_action(require_unchanged, before=BEFORE, after=after, names=list(BEFORE), remedy="Run it again.")


def test_the_same_goes_on_whatever_else_is_different() -> None:
    assert run({**BEFORE, "last_recoverable": "later"}) == {"changed": False}


def test_every_difference_is_reported_with_both_values() -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        run({**BEFORE, "backup_id": "20261120T080000", "running": True})
    assert str(caught.value) == (
        "Nothing was done: what was confirmed has changed: backup_id was 20261120T070150 and is 20261120T080000; "
        "running was false and is true. Run it again."
    )
