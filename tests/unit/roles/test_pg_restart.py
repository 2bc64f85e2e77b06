# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of a cluster restart one after the other, and a member that does not come back stops the rest."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY
from tests.unit.playing import play

ROLE = REPOSITORY / "roles/pg"
REPLICATION = r"""#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({
    "host": {"type": "str"}, "standby": {"type": "bool"}, "running": {"type": "int"}, "pending": {"type": "int"}, "log": {"type": "str"},
    "streaming": {"type": "bool"}, "replayed": {"type": "str"}, "timeout": {"type": "int"}}, supports_check_mode=True)
given = module.params
if given["timeout"]:
    with open(given["log"], "a") as log:
        log.write("{} {}\n".format("replays" if given["replayed"] else "up", given["host"]))
module.exit_json(in_recovery=given["standby"], streaming=given["standby"], position="0/3000148",
                 settings={"max_wal_senders": {"running": given["running"], "pending": given["pending"]}})
"""
RESTART = r"""#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"name": {"type": "str"}, "state": {"type": "str"}, "log": {"type": "str"}, "broken": {"type": "bool"}})
with open(module.params["log"], "a") as log:
    log.write("restart {}\n".format(module.params["name"]))
if module.params["broken"]:
    module.fail_json(msg="it does not start")
module.exit_json(changed=True)
"""
#: Two clusters and a server alone. s: a standby.
MEMBERS = {"p1": ["s1", "t1"], "s1": ["p1", "t1"], "t1": ["p1", "s1"], "p2": ["s2"], "s2": ["p2"], "alone": []}


def restart(directory: Path, *, values: tuple[int, int], broken: str = "", rc: int = 0) -> tuple[list[str], str]:
    """The restarts and proofs in their order, and what ansible-playbook prints."""
    log = directory / "log"
    log.touch()
    (directory / "library").mkdir()
    (directory / "library/replication.py").write_text(REPLICATION)
    (directory / "library/unit.py").write_text(RESTART)
    for name in ("restart_in_turn.yml", "restart_turn.yml"):
        text = (ROLE / "tasks" / name).read_text(encoding="utf-8")
        text = text.replace("pgdr.barman.replication_info:", "replication:")
        (directory / name).write_text(text.replace("ansible.builtin.systemd_service:", "unit:"))
    hosts: dict[str, Any] = {
        name: {
            "__pg_requirements": {"members": members, "os_user": "", "port": 5432, "database": ""},
            "__pg_variables": {"barman_postgres_superuser": "", "barman_postgres_socket_directory": ""},
            "pg_restart_service": name,
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        for name, members in MEMBERS.items()
    }
    (directory / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    # The arguments by which the role logs in are the module's own ones.
    text = (directory / "restart_in_turn.yml").read_text(encoding="utf-8")
    begin, end = text.index("      user:"), text.index("  block:")
    made = (
        f"      host: '{{{{ inventory_hostname }}}}'\n      standby: '{{{{ inventory_hostname is match('[st]') }}}}'\n      log: {log}\n"
        f"      running: {values[0]}\n      pending: {values[1]}\n    unit:\n      log: {log}\n"
        f"      broken: '{{{{ inventory_hostname == '{broken}' }}}}'\n"
    )
    (directory / "restart_in_turn.yml").write_text(
        text[:begin] + made.replace("'{{", '"{{').replace("}}'", '}}"') + text[end:]
    )
    tasks = [{"ansible.builtin.include_tasks": "restart_in_turn.yml"}]
    played = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (directory / "play.json").write_text(json.dumps(played))
    output = play(directory, "-i", "inventory.json", "play.json", rc=rc, ANSIBLE_LIBRARY=str(directory / "library"))
    return log.read_text().splitlines(), output


def of(names: str, lines: list[str]) -> list[str]:
    return [line for line in lines if line.split()[1] in names.split()]


def test_a_primary_whose_value_falls_is_first(tmp_path: Path) -> None:
    lines, _output = restart(tmp_path, values=(10, 3))
    standby = ["replays {0}", "restart {0}", "up {0}"]
    for primary, *standbys in (["p1", "s1", "t1"], ["p2", "s2"]):
        expected = [f"restart {primary}", f"up {primary}", *(line.format(one) for one in standbys for line in standby)]
        assert of(" ".join((primary, *standbys)), lines) == expected
    # Nobody waits for another cluster, and the server alone for nobody.
    assert lines.index("restart s2") < lines.index("restart t1")
    assert lines.index("restart alone") < lines.index("restart s1")


def test_a_member_that_does_not_come_back(tmp_path: Path) -> None:
    lines, output = restart(tmp_path, values=(3, 10), broken="s1", rc=2)
    assert of("p1 s1 t1", lines) == ["restart s1"]
    assert of("p2 s2", lines) == ["restart s2", "up s2", "restart p2", "up p2"]
    assert (
        "PostgreSQL on t1 was not restarted, because s1, with which it replicates, failed in this run. Not restarted: t1, p1."
        in output
    )
    assert "PostgreSQL on p1 was not restarted, because s1, t1, with which it replicates" in output
