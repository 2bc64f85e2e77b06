# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said twice is said alike: documentation, defaults, action groups, dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools import environment, examples

MODULES = examples.module_names()
ROLES = examples.role_names()


@pytest.fixture(scope="session")
def runtime(repository: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((repository / "meta" / "runtime.yml").read_text()))


def undescribed(options: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, option in options.items():
        if not option.get("description"):
            yield path + name
        yield from undescribed(option.get("suboptions") or option.get("options") or {}, f"{path}{name}.")


def test_undescribed_options_are_found() -> None:
    options = {"a": {"description": "A."}, "b": {"description": ["B."], "suboptions": {"c": {"type": "int"}}}}
    assert list(undescribed(options)) == ["b.c"]


@pytest.mark.parametrize("name", MODULES)
def test_every_option_is_described(name: str, docs: dict[str, Any]) -> None:
    assert list(undescribed(docs["module"][f"pgdr.barman.{name}"]["doc"].get("options", {}))) == []


@pytest.mark.parametrize("name", MODULES)
def test_attributes_are_documented(name: str, docs: dict[str, Any]) -> None:
    attributes = docs["module"][f"pgdr.barman.{name}"]["doc"].get("attributes", {})
    for attribute in ("check_mode", "diff_mode", "idempotent", "platform"):
        assert attributes[attribute].get("support") or attributes[attribute].get("platforms"), attribute


@pytest.mark.parametrize("name", MODULES)
def test_what_is_returned_is_described(name: str, docs: dict[str, Any]) -> None:
    returned = docs["module"][f"pgdr.barman.{name}"]["return"]
    assert returned
    for key, value in returned.items():
        assert {"description", "returned", "type"} <= set(value), key


def test_action_group_is_every_module_that_runs_barman(docs: dict[str, Any], runtime: dict[str, Any]) -> None:
    """A default for the group reaches each member, so that all of them, and only they, have the common options."""
    modules = docs.get("module", {})
    running = {name for name, what in modules.items() if "barman_user" in what["doc"].get("options", {})}
    claiming = {name for name, what in modules.items() if "action_group" in what["doc"].get("attributes", {})}
    listed = {f"pgdr.barman.{name}" for name in runtime["action_groups"]["barman"]}
    assert listed == running == claiming


def test_action_group_all_is_every_module(docs: dict[str, Any], runtime: dict[str, Any]) -> None:
    assert runtime["action_groups"]["all"] == [name.removeprefix("pgdr.barman.") for name in sorted(docs["module"])]


def test_dependencies_are_the_same_everywhere(repository: Path) -> None:
    galaxy = yaml.safe_load((repository / "galaxy.yml").read_text())["dependencies"]
    required = yaml.safe_load((repository / "requirements.yml").read_text())["collections"]
    assert {entry["name"]: entry["version"] for entry in required} == galaxy
    assert sorted(environment.DEPENDENCIES) == sorted(galaxy)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role(role: str, repository: Path) -> None:
    """defaults/main.yml and the argument specification agree, option by option."""
    root = repository / "roles" / role
    defaults_file = root / "defaults" / "main.yml"
    defaults = (yaml.safe_load(defaults_file.read_text()) or {}) if defaults_file.exists() else {}
    specs = yaml.safe_load((root / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    documented: dict[str, Any] = {}
    for entry_point in specs.values():
        for name, option in (entry_point.get("options") or {}).items():
            if "default" in option:
                documented[name] = option["default"]
    assert documented == {name: value for name, value in defaults.items() if not name.startswith("__")}


@pytest.mark.parametrize("role", ROLES)
def test_options_of_a_role_are_described(role: str, docs: dict[str, Any]) -> None:
    entry_points = docs["role"][f"pgdr.barman.{role}"]["entry_points"]
    assert entry_points
    for entry_point in entry_points.values():
        assert entry_point.get("short_description")
        assert list(undescribed(entry_point.get("options", {}))) == []
