# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup hosts as TPA, edb-ansible, giner's role, puppet-barman and Debian's package leave them: the inventory, and what its deployment changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.changes import changes_of, refusals
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.document import inventory_text
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.facts import Adoption
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.inventory import adopt
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.report import plan_of, report_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from tests.unit.plugins.plugin_utils._adoption.layouts import LAYOUTS, PASSWORD, Layout, facts_of

KNOWN = {"backup-1": {"ansible_host": "192.0.2.10"}}
UNEXPRESSED = "the inventory has no variable that keeps it"


def adopted(layout: Layout, place: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Adoption]:
    facts: Any = facts_of(layout, place, monkeypatch)
    return facts, adopt({"backup-1": facts}, KNOWN)


@pytest.fixture(params=sorted(LAYOUTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_deployment_changes_only_what_has_a_reason(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, adoption = adopted(LAYOUTS[name], tmp_path, monkeypatch)
    outcome = build(adoption.pg, adoption.backup)
    assert [str(problem) for problem in outcome.problems] == []
    assert adoption.left_out == {}
    required = outcome.requirements["backup-1"]["barman"]
    assert refusals(facts, required) == []
    changes = changes_of("backup-1", facts, required)
    assert [str(one) for one in changes if one.reason == UNEXPRESSED] == []
    assert {one.option for one in changes} <= {
        "backup_options",
        "conninfo",
        "create_slot",
        "slot_name",
        "ssh_command",
        "streaming_conninfo",
    }


def test_no_password_leaves_the_host(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts, adoption = adopted(LAYOUTS[name], tmp_path, monkeypatch)
    plan = plan_of(adoption, {"backup-1": facts})
    text = inventory_text(adoption, pg_group="pg", backup_group="backup")
    shown = f"{facts} {adoption} {text} {report_lines(adoption, plan, 'file', written='was written')}"
    assert PASSWORD not in shown
    assert "hunter2" not in shown


def test_the_report_of_each_layout_is_complete(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts, adoption = adopted(LAYOUTS[name], tmp_path, monkeypatch)
    lines = report_lines(adoption, plan_of(adoption, {"backup-1": facts}), "adopted.yml", written="was written")
    for one in (*adoption.vault, *adoption.remarks):
        assert any(getattr(one, "name", str(one)) in line for line in lines)


def test_debian_s_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _facts, adoption = adopted(LAYOUTS["debian"], tmp_path, monkeypatch)
    assert adoption.pg["pg1.example.net"] == {
        "barman_backup_server": "backup-1",
        "barman_postgres_version": 15,
        "barman_server_name": "orders",
        "barman_postgres_password": "{{ vault_barman_postgres_password_pg1_example_net }}",
        "barman_streaming_password": "{{ vault_barman_streaming_password_pg1_example_net }}",
        "barman_retention_policy": "",
        "barman_minimum_redundancy": 0,
        "barman_backup_schedule": "30 1 * * *",
        "barman_options": {"description": "Orders (Streaming-Only)", "path_prefix": None},
    }
    billing = adoption.pg["pg2.example.net"]
    assert billing["barman_backup_method"] == "rsync"
    assert billing["barman_incremental"] == "link"
    assert billing["barman_wal"] == ["archiving"]
    assert (billing["barman_archive_method"], billing["barman_archive_timeout"]) == ("rsync", 60)
    assert billing["barman_archive_overwrite"] is True
    assert [str(one) for one in adoption.remarks if "cron" in one.subject] == [
        "backup-1: /etc/cron.d/backups: takes backups: '30 1 * * * barman /usr/bin/barman -q backup all'; "
        "remove that line after the deployment, which writes its own."
    ]


def test_tpa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _facts, adoption = adopted(LAYOUTS["tpa"], tmp_path, monkeypatch)
    kaboom, quiet = adoption.pg["kaboom"], adoption.pg["quiet"]
    assert adoption.backup["backup-1"]["barman_global_options"]["reuse_backup"] == "link"
    assert kaboom["barman_options"] == {"description": "Backups from kaboom", "reuse_backup": "off"}
    assert (kaboom["barman_sslmode"], kaboom["barman_sslrootcert"]) == ("verify-ca", "/etc/tpa/ca.crt")
    assert (kaboom["barman_synchronous"], kaboom["barman_slot_name"]) == (True, "backup_kaboom")
    assert kaboom["barman_backup_schedule"] == "0 4 * * wed,sat"
    assert (quiet["barman_backup_method"], quiet["barman_incremental"]) == ("rsync", "link")
    assert quiet["barman_ssh_port"] == 2222
    assert "barman_ssh_port" not in kaboom
    assert sorted(one.name for one in adoption.vault) == [
        "vault_barman_postgres_password_kaboom",
        "vault_barman_postgres_password_quiet",
        "vault_barman_streaming_password_kaboom",
        "vault_barman_streaming_password_quiet",
    ]


def test_one_password_for_all_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wildcards = f"*:*:*:barman:{PASSWORD}\n*:*:*:streaming_barman:{PASSWORD}2\n"
    layout = LAYOUTS["tpa"]
    layout = replace(layout, files={**layout.files, "/var/lib/barman/.pgpass": wildcards})
    _facts, adoption = adopted(layout, tmp_path, monkeypatch)
    assert [one.name for one in adoption.vault] == ["vault_barman_postgres_password", "vault_barman_streaming_password"]


def test_edb_ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _facts, adoption = adopted(LAYOUTS["edb-ansible"], tmp_path, monkeypatch)
    one, other = adoption.pg["primary1"], adoption.pg["primary2"]
    assert adoption.backup["backup-1"]["barman_client_directory"] == "/usr/pgsql-{version}/bin"
    assert one["barman_streaming_user"] == "barman"
    assert one["barman_streaming_password"] == one["barman_postgres_password"]
    assert (other["barman_postgres_os_user"], other["barman_ssh_port"]) == ("enterprisedb", 2222)
    assert (one["barman_postgres_version"], other["barman_postgres_port"]) == (15, 5444)
    assert any("PostgreSQL was not read" in str(remark) for remark in adoption.remarks)


def test_giner_s_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _facts, adoption = adopted(LAYOUTS["giner"], tmp_path, monkeypatch)
    shop = adoption.pg["shop"]
    assert shop["barman_connection_options"] == {"connect_timeout": "3"}
    assert shop["barman_backup_schedule"] == "0 0 * * *"
    assert shop["barman_options"]["pre_archive_retry_script"] == "/usr/local/bin/to-s3 --bucket shop"
    assert shop["barman_options"]["post_backup_script"] == "{{ vault_barman_post_backup_script_shop }}"
    assert any("bandwith_limit: is ignored by Barman" in str(remark) for remark in adoption.remarks)
    assert any("barman_roles_overwrite: true" in str(remark) for remark in adoption.remarks)


def test_puppet_barman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _facts, adoption = adopted(LAYOUTS["puppet-barman"], tmp_path, monkeypatch)
    db1 = adoption.pg["db1.example.org"]
    assert (db1["barman_server_name"], db1["barman_backup_method"]) == ("db1", "rsync")
    assert (db1["barman_wal"], db1["barman_archive_timeout"]) == (["archiving"], 0)
    assert "barman_streaming_password" not in db1
    assert db1["barman_backup_schedule"] == "0 4 * * *"
    assert set(adoption.backup["backup-1"]["barman_global_options"]) == {
        "backup_options",
        "compression",
        "retention_policy_mode",
        "wal_retention_policy",
    }
