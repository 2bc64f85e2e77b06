# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks' variables: what is validated is what is declared and documented, and the topology knows them all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_variables import (
    PLAYBOOK_VARIABLES,
    RESULTS,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import KNOWN_VARIABLES
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import MetaError, meta, specification
from tests.conftest import REPOSITORY
from tests.tools.examples import playbook_files

PLAYBOOKS = [path.stem for path in playbook_files()]
REFERENCE = (REPOSITORY / "docs/reference/playbooks.md").read_text(encoding="utf-8")


def declared(playbook: str) -> dict[str, Any]:
    options: dict[str, Any] = meta(playbook)["argument_specs"][playbook]["options"]
    return options


def text_of(playbook: str) -> str:
    return (REPOSITORY / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_each_variable_is_declared_with_a_description_and_documented(playbook: str) -> None:
    for name, option in declared(playbook).items():
        assert name.startswith("barman_")
        assert option["description"].strip()
        assert f"**`{name}`**" in REFERENCE


@pytest.mark.parametrize("playbook", [name for name in PLAYBOOKS if declared(name)])
def test_each_playbook_reads_what_it_declares(playbook: str) -> None:
    """These have actions of their own, which convert as well."""
    reading = {
        "adopt": "playbook: adopt",
        "decommission": "playbook: decommission",
        "deploy": "pgdr.barman.require_unlocked",
        "picture": "playbook: picture",
        "preflight": "playbook: preflight",
        "recover": "pgdr.barman.recovery:",
        "report": "playbook: report",
        "test_recovery": "playbook: test_recovery",
    }
    assert reading.get(playbook, f"barman_playbook: {playbook}") in text_of(playbook)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_specification_is_one_that_ansible_understands(playbook: str) -> None:
    required = {name: "x" for name, option in specification(playbook).items() if option.get("required")}
    assert ArgumentSpecValidator(specification(playbook)).validate(required).error_messages == []


def test_a_playbook_without_a_declaration_is_an_error() -> None:
    with pytest.raises(
        MetaError, match=r"playbook nothing of this collection declares no arguments; there is no .*/nothing\.meta\.yml"
    ):
        specification("nothing")


def test_the_topology_takes_none_of_them_for_a_mistake() -> None:
    names = {name for playbook in PLAYBOOKS for name in declared(playbook)}
    assert names
    assert names == PLAYBOOK_VARIABLES
    assert not names & set(KNOWN_VARIABLES)


def test_a_host_that_a_dictionary_may_lack_is_looked_up_with_get() -> None:
    """Jinja takes the dictionary's method for an item that is missing: of a host named copy, items or get, the default is never used."""
    paths = (*(REPOSITORY / "playbooks").rglob("*.yml"), *(REPOSITORY / "roles").glob("*/*/**/*.yml"))
    found = [
        f"{path.relative_to(REPOSITORY)}: {line.strip()}"
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"(?<!hostvars)\[inventory_hostname\] *\| *default", line)
    ]
    assert found == []


@pytest.mark.parametrize("playbook", [name for name in PLAYBOOKS if name not in ("adopt", "selection", "validate")])
def test_every_playbook_validates_the_inventory_first(playbook: str) -> None:
    """validate.yml refuses a wrong inventory and a slice of a job (test_jobs.py), before a host is connected to. adopt writes what it validates."""
    plays = yaml.safe_load((REPOSITORY / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    assert plays[0].get("ansible.builtin.import_playbook") == "validate.yml"


def test_every_playbook_that_takes_servers_takes_an_expression_too() -> None:
    taking = {playbook for playbook in PLAYBOOKS if "barman_servers" in declared(playbook)}
    assert taking == {"backup", "check", "drill", "repair", "sync", "verify"}
    assert taking == {playbook for playbook in PLAYBOOKS if "barman_select" in declared(playbook)}


def test_a_backup_that_a_person_waits_for_starts_with_a_fast_checkpoint() -> None:
    assert specification("backup")["barman_backup_immediate_checkpoint"] == {"type": "bool", "default": True}
    (reading,) = [
        task["pgdr.barman.playbook_arguments"]
        for task in yaml.safe_load((REPOSITORY / "playbooks/steps/protect.yml").read_text(encoding="utf-8"))
        if "pgdr.barman.playbook_arguments" in task
    ]
    assert reading["playbook"] == "backup"
    assert "barman_backup_immediate_checkpoint" in reading["names"]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "playbooks").glob("*.meta.yml")), ids=lambda path: path.name)
def test_awx_takes_no_declaration_for_a_playbook(path: Path) -> None:
    """Its lists have every file with a line that begins with one of these words."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.strip().removeprefix("- ").startswith(("hosts:", "import_playbook:"))] == []


def names_in(value: Any, found: dict[str, set[str]]) -> dict[str, set[str]]:
    """The names that are registered or set, and those of vars, anywhere in a playbook."""
    for item in value if isinstance(value, list) else [value] if isinstance(value, dict) else ():
        if isinstance(item, dict):
            found["kept"] |= {item["register"]} if "register" in item else set()
            found["kept"] |= set(item.get("ansible.builtin.set_fact") or ())
            found["vars"] |= set(item.get("vars") or ())
            for inner in item.values():
                names_in(inner, found)
    return found


def test_no_name_is_registered_and_given_in_vars() -> None:
    """What is registered wins over vars, also if an earlier play of the run has registered it."""
    found: dict[str, set[str]] = {"kept": set(), "vars": set()}
    roles = (path for part in ("tasks", "handlers") for path in (REPOSITORY / "roles").glob(f"*/{part}/**/*.yml"))
    for path in (*(REPOSITORY / "playbooks").rglob("*.yml"), *roles):
        names_in(yaml.safe_load(path.read_text(encoding="utf-8")), found)
    assert "barman_recovery" in found["kept"]
    assert found["kept"] & found["vars"] == set()


def set_stats_in(value: Any) -> set[str]:
    """The names that tasks return with set_stats, anywhere in a playbook."""
    if isinstance(value, list):
        return {name for item in value for name in set_stats_in(item)}
    if not isinstance(value, dict):
        return set()
    own = value.get("ansible.builtin.set_stats") or {}
    return {*own.get("data", {}), *(name for item in value.values() for name in set_stats_in(item))}


def test_the_results_for_workflows_have_names_of_their_own() -> None:
    """AWX sets them as extra variables in the next job, where they win over everything of the same name."""
    returned: set[str] = set()
    used: dict[str, set[str]] = {"kept": set(), "vars": set()}
    for path in (*(REPOSITORY / "playbooks").rglob("*.yml"), *(REPOSITORY / "roles").glob("*/tasks/**/*.yml")):
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        returned |= set_stats_in(tree)
        names_in(tree, used)
    assert returned == set(RESULTS.values())
    assert returned.isdisjoint(used["kept"] | used["vars"] | set(KNOWN_VARIABLES) | PLAYBOOK_VARIABLES)


def test_the_evidence_of_drills_is_not_for_everybody() -> None:
    outer = [task for play in yaml.safe_load(text_of("drill")) for task in play.get("tasks", [])]
    tasks = [task for one in outer for task in one.get("block", [one])]
    (evidence,) = [task["ansible.builtin.copy"] for task in tasks if task["name"] == "Write the evidence"]
    assert evidence["mode"] == "0640"


def test_a_drill_logs_in_as_the_superuser_of_the_inventory() -> None:
    start = yaml.safe_load(text_of("steps/drill"))[0]["pgdr.barman.drill"]
    assert "drills.database_users[barman_server]" in start["database_user"]


def test_nothing_that_is_registered_has_the_name_of_a_variable_of_the_inventory() -> None:
    """The next playbook of the same run would read it as the inventory's."""
    registered = {
        name
        for folder in ("playbooks", "roles")
        for path in (REPOSITORY / folder).rglob("*.yml")
        for name in re.findall(r"^ *register: (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert registered & set(KNOWN_VARIABLES) == set()
