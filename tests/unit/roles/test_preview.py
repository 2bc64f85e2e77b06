# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first check of a host, on which packages are missing, shows what a real run would change."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.unit.playing import play

POSTGRES: dict[str, Any] = {
    "os_user": getpass.getuser(),
    "port": 5433,
    "database": "postgres",
    "users": {"management": "barman", "streaming": "streaming_barman"},
    "roles": [{"name": "barman"}, {"name": "streaming_barman"}],
    "hba_lines": ['host "postgres" "barman" 198.51.100.11/32 scram-sha-256'],
    "listens": True,
    "settings": {"wal_level": {"minimum": "replica"}, "max_wal_senders": {"minimum": 4}},
}
BARMAN: dict[str, Any] = {
    "configuration_directory": "/etc/barman.d",
    "servers": [
        {"name": "pg", "options": {"backup_method": "postgres", "conninfo": "host=198.51.100.21", "sslkey": "/k"}}
    ],
}

VARIABLES = {
    "barman_postgres_packages": ["python3-psycopg"],
    "barman_install_postgres": False,
    "barman_postgres_superuser": "postgres",
    "barman_postgres_socket_directory": "",
    "barman_listen_addresses": "*",
}


def played(directory: Path, role: str, requirements: dict[str, Any], tasks: list[dict[str, Any]], **more: Any) -> str:
    variables = {
        f"{role}_topology": {"requirements": {"here": requirements}, "topology": {}},
        "ansible_become": False,
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        **more,
    }
    (directory / "inventory.json").write_text(json.dumps({"all": {"hosts": {"here": variables}}}))
    tasks = [{"ansible.builtin.include_vars": str(REPOSITORY / "roles" / role / "vars/main.yml")}, *tasks]
    (directory / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    path = f"{directory / 'bin'}:{os.environ['PATH']}"
    return play(directory, "--check", "-i", "inventory.json", "play.json", PATH=path)


@pytest.mark.parametrize("runs", [True, False])
def test_settings_rules_and_roles_of_postgresql(tmp_path: Path, runs: bool) -> None:
    program = tmp_path / "bin" / "psql"
    program.parent.mkdir()
    answer = "printf 'wal_level|minimal|postmaster\\nmax_wal_senders|10|postmaster\\n'"
    program.write_text("#!/bin/sh\n%s\n" % (answer if runs else "echo 'psql: no server' >&2; exit 2"))
    program.chmod(0o755)
    stdout = played(
        tmp_path,
        "pg",
        {"postgres": {**POSTGRES, "variables": VARIABLES}},
        [{"ansible.builtin.include_role": {"name": "pgdr.barman.pg", "tasks_from": "preview"}}],
    )
    assert "install the packages python3-psycopg" in stdout
    assert "create the database roles barman and streaming_barman" in stdout
    assert 'barman\\" 198.51.100.11/32 scram-sha-256' in stdout
    if runs:
        assert "wal_level: at least replica, now minimal; if it changes, PostgreSQL has to be restarted" in stdout
        assert "listen_addresses: *, now unknown" in stdout
    else:
        assert "wal_level: at least replica, now unknown" in stdout
        assert "could not be asked with psql on port 5433: psql: no server" in stdout


def test_entries_of_barman(tmp_path: Path) -> None:
    stdout = played(
        tmp_path,
        "backup",
        {
            "barman": {
                **BARMAN,
                "variables": {"barman_backup_packages": ["barman"], "barman_client_packages": ["client-17"]},
            }
        },
        [
            {"ansible.builtin.include_tasks": str(REPOSITORY / "roles/backup/tasks/preview.yml")},
        ],
    )
    assert "pg: backup_method = postgres; conninfo = host=198.51.100.21" in stdout
    assert "to /etc/barman.d" in stdout
    assert "client-17" in stdout
    assert "/k" not in stdout
