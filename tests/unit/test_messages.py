# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages name what somebody with a playbook writes: a variable that exists, and in brackets the module's or Barman's option."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.module_utils._backup import plan as backup_plan
from ansible_collections.pgdr.barman.plugins.module_utils._barman.option_table import OPTIONS
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import KNOWN_VARIABLES, PLAYBOOK_VARIABLES

ROOT = Path(__file__).parents[2]
_BRACKETS = re.compile(r"\((?P<whose>Barman's )?option (?P<option>\w+)")
_VARIABLE = re.compile(r"\b(?:barman|backup|pg)_[a-z_]+\b")


def _messages() -> Iterator[tuple[str, str, bool, str]]:
    """The file, the text before the brackets, whether the option is Barman's, and the option."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for text in _texts(ast.parse(path.read_text())):
            for found in _BRACKETS.finditer(text):
                yield path.name, text[: found.start()], bool(found["whose"]), found["option"]


def _texts(tree: ast.AST) -> Iterator[str]:
    """The string literals. In an f-string each expression is replaced by {}."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def _variables() -> set[str]:
    known = {*KNOWN_VARIABLES, *PLAYBOOK_VARIABLES}
    for path in (ROOT / "roles").glob("*/defaults/main.yml"):
        known |= set(yaml.safe_load(path.read_text()) or {})
    for path in (ROOT / "playbooks").glob("*.yml"):
        known |= set(_VARIABLE.findall(path.read_text()))
    return known


def _options() -> set[str]:
    texts = (path.read_text() for path in (ROOT / "plugins" / "modules").glob("*.py"))
    return {
        option
        for text in texts
        for option in re.findall(r"^  (\w+):$|^ {8,}\"(\w+)\": \{\"type\"|^ +(\w+)=\{\"type\"", text, re.M)
        for option in option
        if option
    }


def test_every_option_in_brackets_follows_a_variable_that_exists() -> None:
    variables, options, found = _variables(), _options(), list(_messages())
    for file, before, barmans, option in found:
        named = _VARIABLE.findall(before)
        assert named, f"{file}: option {option} is named without a variable"
        assert named[-1] in variables, f"{file}: {named[-1]} is no variable"
        assert option in (OPTIONS if barmans else options), f"{file}: {option} is no option"
    assert len(found) > 10


@pytest.mark.parametrize("option", backup_plan._PLAYBOOK_OPTIONS)
def test_options_of_backup_are_variables_of_its_playbook(option: str) -> None:
    assert f"barman_backup_{option}:" in (ROOT / "playbooks" / "backup.meta.yml").read_text()
    assert option in _options()
