# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier run of role pg wrote, and ended before PostgreSQL loaded it, is loaded by the next one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.role_variables import ROLE_VARIABLES
from tests.conftest import REPOSITORY
from tests.unit.playing import play
from tests.unit.plugins.plugin_utils._topology.test_postgres_host import REQUIREMENTS, STATE

ROLE = REPOSITORY / "roles/pg"
COMPARE = "Fail if the server is not the declared one"
TASK = "Reload settings that an earlier run wrote"
HANDLERS = ["Check pg_hba.conf", "Reload PostgreSQL"]


def setting(*, running_short: bool, written_short: bool, needs_reload: bool = True) -> dict[str, Any]:
    return {
        "name": "summarize_wal" if needs_reload else "wal_level",
        "running_short": running_short,
        "written_short": written_short,
        "needs_reload": needs_reload,
        "needs_restart": not needs_reload,
    }


# What state.sql says of a server, by host, and what is loaded there.
STATES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "as-it-is-written": ({"settings": [setting(running_short=False, written_short=False)]}, []),
    "rules": ({"hba_unloaded": True}, ["pg_hba.conf"]),
    "setting": ({"settings": [setting(running_short=True, written_short=False)]}, ["summarize_wal"]),
    "both": (
        {"hba_unloaded": True, "settings": [setting(running_short=True, written_short=False)]},
        ["pg_hba.conf", "summarize_wal"],
    ),
    "written-in-this-run": ({"settings": [setting(running_short=True, written_short=True)]}, []),
    "waits-for-a-restart": ({"settings": [setting(running_short=True, written_short=False, needs_reload=False)]}, []),
    "enough-until-a-reload": ({"settings": [setting(running_short=False, written_short=True)]}, []),
}


VARIABLES = {variable.name: variable.value for variable in ROLE_VARIABLES}


@pytest.fixture(scope="module", params=[[], ["--check"]], ids=["run", "check"])
def output(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the role's task says for these servers; its handlers name themselves."""
    directory: Path = tmp_path_factory.mktemp("load")
    configure = next(
        task for task in yaml.safe_load((ROLE / "tasks/managed.yml").read_text(encoding="utf-8")) if "block" in task
    )
    adjust = yaml.safe_load((ROLE / "tasks/adjust.yml").read_text(encoding="utf-8"))
    tasks = [
        next(task for task in found if task["name"] == name)
        for found, name in ((configure["block"], COMPARE), (adjust, TASK))
    ]
    topology = {
        "topology": {"backup_servers": {}, "backup_addresses": []},
        "requirements": {name: {"postgres": {**REQUIREMENTS, "variables": VARIABLES}} for name in STATES},
    }
    hosts = {name: {"__pg_compared": {"query_result": [{**STATE, **more}]}} for name, (more, _) in STATES.items()}
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    (directory / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (directory / "play.json").write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "vars": {**defaults, "pg_topology": topology},
                    "tasks": [{"ansible.builtin.include_vars": str(ROLE / "vars/main.yml")}, *tasks],
                    "handlers": [
                        {"name": name, "ansible.builtin.debug": {"msg": f"{name} on {{{{ inventory_hostname }}}}"}}
                        for name in HANDLERS
                    ],
                }
            ]
        )
    )
    return play(directory, "-i", "inventory.json", "play.json", *request.param)


@pytest.mark.parametrize("host", STATES)
def test_what_is_written_and_not_loaded_is_loaded(output: str, host: str) -> None:
    names = STATES[host][1]
    for handler in HANDLERS:
        assert (f'{handler} on {host}"' in output) == bool(names)
    assert re.search(rf"^{host} +: .*changed={int(bool(names))} ", output, re.MULTILINE)
    if names:
        assert f"{', '.join(names)} of {host} " in output
