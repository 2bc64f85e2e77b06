# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules role pg writes to pg_hba.conf: those of backup servers that the inventory does not have stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.unit.playing import play


def rule(source: str, user: str = "barman") -> str:
    return f'host "postgres" "{user}" {source} scram-sha-256'


DECLARED = [
    {"type": "host", "databases": "postgres", "users": "barman", "source": source, "method": "scram-sha-256"}
    for source in ("198.51.100.11/32", "198.51.100.12/32")
]
FORMER = rule("198.51.100.11/32", "former")
UNKNOWN = rule("198.51.100.77/32")


@pytest.mark.parametrize("exclusive", [True, False])
def test_rules_of_unknown_backup_servers_stay(tmp_path: Path, exclusive: bool) -> None:
    topology: dict[str, Any] = {
        "topology": {"backup_servers": {"backup": {"addresses": ["198.51.100.11/32", "198.51.100.12/32"]}}},
        "demands": {"localhost": {"postgres": {"hba_rules": DECLARED}}},
    }
    there = "\n".join([rule("198.51.100.11/32"), FORMER, UNKNOWN])
    facts = {
        "pg_topology": topology,
        "pg_rules_exclusive": exclusive,
        "__pg_compared": {"query_result": [{"hba_rules": f"{there}\n"}]},
    }
    plays = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "tasks": [
                {"ansible.builtin.include_vars": str(REPOSITORY / "roles/pg/vars/main.yml")},
                {"ansible.builtin.set_fact": facts},
                {
                    "ansible.builtin.copy": {
                        "content": "{{ __pg_hba_block }}\n",
                        "dest": str(tmp_path / "block"),
                        "mode": "0600",
                    }
                },
            ],
        }
    ]
    (tmp_path / "play.json").write_text(json.dumps(plays))
    play(tmp_path, "play.json")
    written = [rule("198.51.100.11/32"), rule("198.51.100.12/32")]
    stays = [UNKNOWN] if exclusive else [FORMER, UNKNOWN]
    assert (tmp_path / "block").read_text().splitlines() == [*written, *stays]
