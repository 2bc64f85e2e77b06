# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's argument specification is its documentation, so it has to be true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

ROLES = sorted(path for path in (REPOSITORY / "roles").iterdir() if path.is_dir())


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options(role: Path) -> dict[str, Any]:
    specifications = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    found: dict[str, Any] = {}
    for entry_point in specifications.values():
        found.update(entry_point["options"])
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_defaults_are_those_that_are_documented(role: Path) -> None:
    documented = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert load(role / "defaults" / "main.yml") == documented


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_an_option_without_a_default_is_required(role: Path) -> None:
    assert [
        name for name, option in options(role).items() if "default" not in option and not option.get("required")
    ] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_option_is_used_and_begins_with_the_name_of_the_role(role: Path) -> None:
    files = [path for part in ("tasks", "vars", "handlers") for path in (role / part).glob("*.yml")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for name in options(role):
        assert name.startswith(f"{role.name}_")
        assert re.search(rf"(?<!_)\b{name}\b", text), f"{name} is documented and nothing uses it"


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_condition_reads_a_truth_value_as_one(role: Path) -> None:
    """What --extra-vars=NAME=false gives is a text, and a text is true, or no condition at all."""
    names = [name for name, option in options(role).items() if option.get("type") == "bool"]
    raw = (
        re.compile(rf"(?:\b(?:if|elif|not|and|or)|when:)\s+\(?(?:{'|'.join(names)})\b(?!\s*\|\s*bool)")
        if names
        else None
    )
    files = [path for part in ("tasks", "vars", "handlers") for path in (role / part).glob("*.yml")]
    assert [
        f"{path.name}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if raw is not None and raw.search(line)
    ] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_entry_point_has_its_tasks(role: Path) -> None:
    for entry_point in load(role / "meta" / "argument_specs.yml")["argument_specs"]:
        assert (role / "tasks" / f"{entry_point}.yml").is_file()


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_internal_variables_are_marked_as_such(role: Path) -> None:
    assert [name for name in load(role / "vars" / "main.yml") if not name.startswith(f"__{role.name}_")] == []


def statements(data: Any) -> Iterator[dict[str, Any]]:
    """All tasks, those in blocks included."""
    if isinstance(data, list):
        for item in data:
            yield from statements(item)
    elif isinstance(data, dict):
        yield data
        for part in ("block", "rescue", "always"):
            yield from statements(data.get(part))


def test_a_file_whose_name_is_a_template_imports_no_other() -> None:
    """Before ansible-core 2.19 the import would be an error: it templates the name again, without the loop's variable.

    Source: load_list_of_tasks in ansible/playbook/helpers.py.
    """
    backup = REPOSITORY / "roles" / "backup"
    templated = {
        (path.parent.parent.name, task["ansible.builtin.include_tasks"])
        for role in ROLES
        for path in (role / "tasks").glob("*.yml")
        for task in statements(load(path))
        if "{{" in str(task.get("ansible.builtin.include_tasks"))
    }
    assert templated == {("backup", "{{ __backup_step.key }}.yml")}
    names = [f"{step}.yml" for step in load(backup / "vars" / "main.yml")["__backup_steps"]]
    for name in names:
        for task in statements(load(backup / "tasks" / name)):
            assert "ansible.builtin.import_tasks" not in task, name
            if "ansible.builtin.include_tasks" in task and task["ansible.builtin.include_tasks"] not in names:
                names.append(task["ansible.builtin.include_tasks"])


@pytest.mark.parametrize(
    "path",
    sorted((REPOSITORY / "roles").glob("*/tasks/*.yml")) + sorted((REPOSITORY / "playbooks").glob("**/*.yml")),
    ids=lambda path: path.name,
)
def test_no_argument_is_none(path: Path) -> None:
    """Before ansible-core 2.19 it arrives as an empty text; omit leaves the argument out with every release."""
    assert re.findall(r"\{\{.*\belse none\b.*\}\}", path.read_text(encoding="utf-8")) == []
