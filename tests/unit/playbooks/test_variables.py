# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks' variables: what is validated is what is documented, and the topology knows them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import KNOWN_VARIABLES, PLAYBOOK_VARIABLES
from tests.conftest import REPOSITORY

PLAYBOOKS = sorted((REPOSITORY / "playbooks").glob("*.yml"))


def specifications(value: Any) -> Iterator[dict[str, Any]]:
    """Every argument specification in a playbook: a dictionary whose values all have a type."""
    if isinstance(value, dict):
        if value and all(isinstance(item, dict) and isinstance(item.get("type"), str) for item in value.values()):
            yield value
        else:
            for item in value.values():
                yield from specifications(item)
    elif isinstance(value, list):
        for item in value:
            yield from specifications(item)


def validated(playbook: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for specification in specifications(yaml.safe_load(playbook.read_text(encoding="utf-8"))):
        found.update(specification)
    return found


def documented(playbook: Path) -> set[str]:
    head = playbook.read_text(encoding="utf-8").split("- name:", 1)[0]
    return set(re.findall(r"^#   (?:barman_\w+, )*(barman_\w+) {2,}", head, re.MULTILINE))


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_each_variable_is_validated_and_documented(playbook: Path) -> None:
    assert set(validated(playbook)) == documented(playbook)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_specification_is_one_that_ansible_understands(playbook: Path) -> None:
    required = {name: "x" for name, option in validated(playbook).items() if option.get("required")}
    assert ArgumentSpecValidator(validated(playbook)).validate(required).error_messages == []


def test_the_topology_takes_none_of_them_for_a_mistake() -> None:
    names = {name for playbook in PLAYBOOKS for name in validated(playbook)}
    assert names
    assert names == PLAYBOOK_VARIABLES
    assert not names & set(KNOWN_VARIABLES)


@pytest.mark.parametrize("playbook", ["backup.yml", "steps/protect.yml"])
def test_a_backup_that_a_person_waits_for_starts_with_a_fast_checkpoint(playbook: str) -> None:
    variables = validated(REPOSITORY / "playbooks" / playbook)
    assert variables["barman_backup_immediate_checkpoint"] == {"type": "bool", "default": True}
