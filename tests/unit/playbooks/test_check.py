# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook check of a backup server on which the checks can't run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools.debian import DOT, program
from tests.unit.playing import play
from tests.unit.plugins.plugin_utils._topology.inventories import backup, pg

PASSWORDS = {"barman_postgres_password": "x", "barman_streaming_password": "x"}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Its hosts are this machine, on which nobody is Barman's user."""
    servers = {"orders": pg("198.51.100.21", barman_backup_server="backup-eu")}
    hosts: dict[str, Any] = {
        "pg": {"hosts": servers},
        "backup": {"hosts": {"backup-eu": backup("198.51.100.11", barman_user="no-such-user")}},
    }
    for group in hosts.values():
        for one in group["hosts"].values():
            one["barman_address"] = one.pop("ansible_host")
    connection = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,
    }
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps({"all": {"vars": {**connection, **PASSWORDS}, "children": hosts}}))
    return path


def test_the_page_of_a_single_backup_server_shows_why_it_was_not_checked(inventory: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    path = f"{program(DOT).parent}:/usr/bin:/bin"
    output = play(
        tmp_path,
        "pgdr.barman.check",
        f"--inventory={inventory}",
        f"--extra-vars=barman_report_file={report}",
        rc=2,
        PATH=path,
    )
    assert "Fail if the servers were not checked" in output
    assert "The host was not read: " in report.read_text()
