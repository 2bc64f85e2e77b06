# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action on a real inventory, with Ansible's own templating; only the task around it is made up."""

from __future__ import annotations

import json
import textwrap
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.pgdr.barman.plugins.action.topology import ActionModule
from tests.unit.ansible_core import open_vault

SECRET = "s3cr3t-never-to-be-seen"
VAULT = VaultSecret(b"vault password")

GOOD = f"""
all:
  vars:
    site: eu
  children:
    backup:
      hosts:
        backup-eu: {{ansible_host: 198.51.100.11, barman_zone: "{{{{ site }}}}"}}
    pg:
      vars:
        barman_backup_server: "backup-{{{{ site }}}}"
        barman_postgres_version: "{{{{ 8 + 9 }}}}"
        barman_postgres_password: "{{{{ lookup('vars', 'pw') }}}}"
        barman_streaming_password: "{{{{ pw }}}}"
        barman_options: {{description: "{{{{ inventory_hostname | upper }}}}", check_timeout: "{{{{ 6 * 10 }}}}"}}
        pw: {SECRET}
      hosts:
        pg-eu: {{ansible_host: 198.51.100.21}}
"""


def run(tmp_path, inventory, *, check_mode=False, limit=None, **arguments) -> dict[str, Any]:
    path = tmp_path / "inventory.yml"
    path.write_text(textwrap.dedent(inventory))
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=[str(path)])
    if limit:
        manager.subset(limit)
    variables = VariableManager(loader=loader, inventory=manager)
    task = MagicMock(async_val=0, args=arguments, check_mode=check_mode, diff=False)
    connection = MagicMock()
    action = ActionModule(
        task=task,
        connection=connection,
        play_context=SimpleNamespace(check_mode=check_mode),
        loader=loader,
        templar=MagicMock(),
        shared_loader_obj=None,
    )
    # The plugin loader sets it; releases before 2.19 name it in the error of an unknown argument.
    action._load_name = "pgdr.barman.topology"
    hostvars = HostVars(manager, variables, loader)
    result = action.run(task_vars={**variables.get_vars(host=manager.get_hosts()[0]), "hostvars": hostvars})
    assert connection.method_calls == []
    return result


def failure(tmp_path, inventory, **arguments):
    with pytest.raises(AnsibleActionFail) as error:
        run(tmp_path, inventory, **arguments)
    return str(error.value.message).splitlines()


def test_templates_are_resolved_in_each_hosts_own_context(tmp_path):
    result = run(tmp_path, GOOD)
    assert result["changed"] is False
    (entry,) = result["requirements"]["backup-eu"]["barman"]["servers"]
    assert entry["options"]["description"] == "PG-EU"
    assert entry["options"]["check_timeout"] == 60
    assert result["requirements"]["pg-eu"]["postgres"]["version"] == 17
    assert result["topology"]["backup_servers"]["backup-eu"]["zone"] == "eu"


def test_the_result_is_plain_data(tmp_path):
    def types(value):
        if isinstance(value, dict):
            return {dict} if type(value) is dict else {type(value)} | set().union(*map(types, value.values()))
        if isinstance(value, list):
            return {type(value)}.union(*map(types, value))
        return {type(value)}

    result = run(tmp_path, GOOD)
    assert types([result["requirements"], result["topology"]]) <= {dict, list, str, int, bool, type(None)}


def test_no_secret_is_returned(tmp_path):
    assert SECRET not in json.dumps(run(tmp_path, GOOD))


def test_it_runs_in_check_mode(tmp_path):
    assert run(tmp_path, GOOD, check_mode=True) == run(tmp_path, GOOD)


def test_a_limit_hides_no_host(tmp_path):
    assert run(tmp_path, GOOD, limit="pg-eu") == run(tmp_path, GOOD)


def test_groups_with_other_names(tmp_path):
    inventory = GOOD.replace("    backup:", "    barman_hosts:").replace("    pg:", "    databases:")
    result = run(tmp_path, inventory, pg_group="databases", backup_group="barman_hosts")
    assert set(result["requirements"]) == {"pg-eu", "backup-eu"}


def test_a_missing_group_is_reported_with_the_nearest_name(tmp_path):
    inventory = GOOD.replace("    backup:", "    backups:").replace("    pg:", "    databases:")
    lines = failure(tmp_path, inventory)
    assert lines[0] == "The inventory has 2 problems; nothing was changed."
    assert lines[1].startswith("- barman_pg_group: the group pg is not in the inventory")
    assert "barman_backup_group; did you mean backups?" in lines[2]


def test_an_empty_group_is_reported(tmp_path):
    inventory = GOOD.replace("      hosts:\n        pg-eu: {ansible_host: 198.51.100.21}\n", "")
    (_count, line) = failure(tmp_path, inventory)
    assert "the group pg has no host" in line


def test_an_undefined_variable_is_a_problem_of_its_host_and_hides_no_other(tmp_path):
    inventory = GOOD.replace(
        "pg-eu: {ansible_host: 198.51.100.21}",
        "pg-eu: {ansible_host: 198.51.100.21, barman_zone: '{{ nowhere }}', barman_wal: [], "
        "barman_sslrootcert: \"{{ lookup('file', '/does/not/exist') }}\"}",
    )
    lines = failure(tmp_path, inventory)
    assert len(lines) == 4
    assert lines[1].startswith("- pg-eu: barman_sslrootcert: its value cannot be read: ")
    assert lines[2].startswith("- pg-eu: barman_wal: is empty")
    assert lines[3] == (
        "- pg-eu: barman_zone: its value cannot be read: 'nowhere' is undefined; correct the expression."
    )


def test_an_undefined_variable_of_a_variable_is_a_problem(tmp_path):
    inventory = GOOD.replace(
        "pg-eu: {", "pg-eu: {barman_zone: '{{ zone_of_site }}', zone_of_site: 'zone-{{ nowhere }}', "
    )
    (_count, line) = failure(tmp_path, inventory)
    assert line.startswith("- pg-eu: barman_zone: its value cannot be read: ")
    assert "nowhere" in line


def test_an_undefined_item_of_a_list_is_a_problem(tmp_path):
    inventory = GOOD.replace("pg-eu: {", "pg-eu: {barman_wal: [streaming, '{{ nowhere }}'], ")
    (_count, line) = failure(tmp_path, inventory)
    assert line.startswith("- pg-eu: barman_wal: its value cannot be read: 'nowhere' is undefined")


def test_values_of_expressions_have_the_types_of_their_variables(tmp_path):
    """Before ansible-core 2.19, a number in an expression's result is a text."""
    inventory = GOOD.replace(
        "pg-eu: {",
        "pg-eu: {barman_wal: \"{{ ['streaming'] + ['archiving'] }}\", barman_postgres_port: '{{ 5400 + 32 }}', "
        "barman_manage_postgres: '{{ 1 == 2 }}', ",
    ).replace("backup-eu: {", "backup-eu: {barman_global_options: {parallel_jobs: '{{ 1 + 1 }}'}, ")
    result = run(tmp_path, inventory)
    server = result["topology"]["postgres_servers"]["pg-eu"]
    assert server["wal"] == ["streaming", "archiving"]
    assert server["port"] == 5432
    assert server["manage"] is False
    assert result["topology"]["backup_servers"]["backup-eu"]["global_options"] == {"parallel_jobs": 2}


def test_an_undefined_variable_inside_a_dictionary(tmp_path):
    inventory = GOOD.replace("description: ", "path_prefix: '{{ nowhere }}', description: ")
    (_count, line) = failure(tmp_path, inventory)
    assert line.startswith("- pg-eu: barman_options: its value cannot be read: 'nowhere' is undefined")


def test_a_host_that_is_named_as_its_group_passes_its_variables_to_the_others(tmp_path):
    inventory = GOOD.replace(
        "pg-eu: {ansible_host: 198.51.100.21}", "pg: {ansible_host: 198.51.100.21}\n        pg-us: {}"
    )
    with pytest.raises(AnsibleActionFail) as error:
        # As Ansible reads it, both are one machine.
        run(tmp_path, inventory)
    assert error.value.result["warnings"] == [
        "pg: the inventory has a group of this name, too. Ansible gives the group the variables that are written at the host, ansible_host among them, so "
        "that pg-us can get them as well. Give the host or the group another name."
    ]
    assert "warnings" not in run(tmp_path, inventory.replace("\n        pg-us: {}", ""))


def test_warnings_are_returned(tmp_path):
    result = run(tmp_path, GOOD.replace("pg-eu: {ansible_host: 198.51.100.21}", "pg-eu: {}"))
    (warning,) = result["warnings"]
    assert warning.startswith("pg-eu: neither barman_address nor ansible_host is set")


def test_variables_that_do_not_matter_are_not_templated(tmp_path):
    inventory = GOOD.replace(
        "backup-eu: {", "backup-eu: {barman_postgres_password: '{{ nowhere }}', other: '{{ nowhere }}', "
    )
    run(tmp_path, inventory)


def with_vaulted_password():
    encrypted = VaultLib([("default", VAULT)]).encrypt(SECRET.encode(), VAULT).decode()
    lines = "\n".join(f"          {line}" for line in encrypted.splitlines())
    return GOOD.replace(f"pw: {SECRET}", f"pw: !vault |\n{lines}")


def test_a_vaulted_password_is_read_and_not_returned(tmp_path, monkeypatch):
    open_vault(monkeypatch, VAULT)
    result = run(tmp_path, with_vaulted_password())
    assert result["topology"]["postgres_servers"]["pg-eu"]["has_password"] is True
    assert SECRET not in json.dumps(result)


def test_a_vault_that_cannot_be_opened_is_a_problem_of_its_host(tmp_path, monkeypatch):
    open_vault(monkeypatch, VaultSecret(b"another"))
    lines = failure(tmp_path, with_vaulted_password())
    assert [line.split(": its value cannot be read")[0] for line in lines[1:]] == [
        "- pg-eu: barman_postgres_password",
        "- pg-eu: barman_streaming_password",
    ]


def test_unknown_arguments_are_refused(tmp_path):
    with pytest.raises(AnsibleActionFail, match="pg_groups"):
        run(tmp_path, GOOD, pg_groups="pg")


@pytest.mark.parametrize("variable", ["awx_job_id", "tower_job_id"])
def test_a_slice_of_an_awx_job_is_named_as_a_cause(tmp_path, variable):
    """Slicing leaves out hosts with their groups, so the backup server of this one is unknown."""
    alone = f"""
    all:
      vars: {{{variable}: 7}}
      children:
        backup: {{hosts: {{other: {{ansible_host: 198.51.100.12, barman_allow_empty: true}}}}}}
        pg:
          hosts:
            pg-eu:
              {{ansible_host: 198.51.100.21, barman_backup_server: backup-eu, barman_postgres_version: 17,
               barman_postgres_password: x, barman_streaming_password: x}}
    """
    lines = failure(tmp_path, alone)
    assert "names backup-eu, which is not a backup server" in lines[1]
    assert "job slicing" in lines[-1]
    assert "--limit" in lines[-1]
    assert "slicing" not in "\n".join(failure(tmp_path, alone.replace(variable, "other")))


@pytest.mark.parametrize("variable", ["awx_workflow_job_name", "tower_workflow_job_name"])
def test_a_slice_in_which_nothing_is_missing_is_refused(tmp_path, variable):
    """AWX runs slices in a workflow that has the name of the job template."""
    template = GOOD.replace("site: eu", "site: eu\n    barman_job_template: pgdr.barman.deploy\n    " + variable + ": ")
    lines = failure(tmp_path, template.replace(f"{variable}: ", f"{variable}: pgdr.barman.deploy"))
    assert "this job is a slice" in lines[1]
    assert "--limit" in lines[1]
    # A workflow of ours has another name.
    assert "requirements" in run(tmp_path, template.replace(f"{variable}: ", f"{variable}: nightly"))


PASSWORDS = ("tru{{st", "tru{% ir}me", "tru{# st", "tru{{ st }}me")


@pytest.mark.parametrize("password", PASSWORDS)
def test_braces_in_a_password_are_a_problem_that_names_the_way_out_and_never_the_value(tmp_path, password):
    lines = failure(
        tmp_path, GOOD.replace('barman_streaming_password: "{{ pw }}"', f"barman_streaming_password: '{password}'")
    )
    assert lines[1].startswith(
        "- pg-eu: barman_streaming_password: its value cannot be read: Ansible takes a part of it for a template"
    )
    assert "!unsafe 'PASSWORD'" in lines[1]
    assert "tru" not in " ".join(lines)


def test_a_password_that_is_expanded_in_silence_is_a_warning(tmp_path):
    result = run(
        tmp_path, GOOD.replace('barman_streaming_password: "{{ pw }}"', "barman_streaming_password: 'tru{{ 1 }}st'")
    )
    (warning,) = result["warnings"]
    assert warning.startswith("pg-eu: barman_streaming_password: Ansible expanded a part of it as a template.")
    assert "!unsafe" in warning
    assert "tru" not in warning


@pytest.mark.parametrize("password", PASSWORDS)
def test_braces_in_a_password_that_is_unsafe_are_kept(tmp_path, password):
    unsafe = f"barman_streaming_password: !unsafe '{password}'"
    assert "warnings" not in run(tmp_path, GOOD.replace('barman_streaming_password: "{{ pw }}"', unsafe))
