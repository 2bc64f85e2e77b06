# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery whose hosts are lost while PostgreSQL is stopped says where it stands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.unit.playing import play

STOP = "Fail if the backup server can't be reached"
STEPS = REPOSITORY / "playbooks/steps"
# Nothing listens there.
LOST = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
VARIABLES: dict[str, Any] = {
    "barman_recovery": {
        "name": "pg",
        "server": "pg",
        "source": "backup",
        "source_user": "barman",
        "target": "pg",
        "in_place": True,
        "directory": "",
        "aside_suffix": "20261120T070000Z",
        "run": "run",
        "recover": {"server": "pg"},
        "locked_hosts": [],
        "arguments": {"barman_recover_timeout": 60},
    },
    "barman_proof": {"recovery": {"timeline": 1}},
    "barman_proof_again": {"recovery": {"backup_id": "20261120T070000"}},
    "barman_located": {"cluster": {"data_directory": "/nowhere/17/main", "service": "postgresql@17-main"}},
    "barman_stopped": {"changed": True},
    "barman_begun": {"record": {"run": "run"}, "record_file": "/nowhere/17/main.pgdr-recovery.json"},
}


@pytest.mark.parametrize("target_is_lost", [False, True])
def test_a_backup_server_that_is_lost_as_the_copy_begins(tmp_path: Path, target_is_lost: bool) -> None:
    recover = {
        "name": "Recover to the host",
        "block": [{"ansible.builtin.include_tasks": str(STEPS / "restore.yml")}],
        "rescue": [{"ansible.builtin.include_tasks": str(STEPS / "fail.yml")}],
    }
    hosts = {"pg": LOST if target_is_lost else LOCAL, "backup": LOST}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"vars": VARIABLES, "hosts": hosts}}))
    (tmp_path / "play.json").write_text(json.dumps([{"hosts": "pg", "gather_facts": False, "tasks": [recover]}]))
    output = " ".join(play(tmp_path, "-i", "inventory.json", "play.json", rc=2).split())
    message = output.split("TASK [Fail with the state of the recovery]")[1]
    assert f'The recovery of pg stopped at \\"{STOP}\\": backup can\'t be reached any more' in message
    if target_is_lost:
        assert "pg can't be reached either. Its PostgreSQL (postgresql@17-main) was stopped" in message
        assert (
            "recorded in /nowhere/17/main.pgdr-recovery.json there. The copy to /nowhere/17/main may be going on"
            in message
        )
    else:
        assert "The copy to /nowhere/17/main may be going on in the background on backup." in message
