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
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_variables import PLAYBOOK_VARIABLES
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import KNOWN_VARIABLES

ROOT = Path(__file__).parents[2]
_BRACKETS = re.compile(r"\((?P<whose>Barman's )?option (?P<option>\w+)")
_VARIABLE = re.compile(r"\b(?:barman|backup|pg)_[a-z_]+\b")
_SET = re.compile(
    r"""(?<![\w.$/])(?P<quote>['"]?)(?P<name>(?:barman|backup|pg|hooks|ssh_trust)_[a-z0-9_]*[a-z0-9])(?P<after>['"]|\s?=|:(?!=)| (?:true|false)\b)?"""
)
_NO_VARIABLES = {
    "barman_receive_wal": "the name with which Barman's receiver connects",
    "pg_cron": "an extension",
    "pg_hba": "a key of Patroni's configuration",
}
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")


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


def _docstrings(tree: ast.AST) -> set[int]:
    """The ids of the nodes that document: docstrings, and what a module or a fragment documents."""
    found = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in _DOCUMENTATION for target in node.targets
        ):
            found.add(id(node.value))
    return found


def _texts_of_tasks(value: object) -> Iterator[str]:
    """The messages of tasks, without their expressions."""
    if isinstance(value, list):
        for item in value:
            yield from _texts_of_tasks(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("msg", "fail_msg", "success_msg", "name") and isinstance(item, str):
                yield _EXPRESSION.sub("{}", item)
            else:
                yield from _texts_of_tasks(item)


def _sentences() -> Iterator[tuple[str, str]]:
    """What people read, with the file: messages of plugins, roles and playbooks, and templates."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        tree = ast.parse(path.read_text())
        ignored = _docstrings(tree)
        for node in ast.walk(tree):
            if id(node) in ignored and isinstance(node, (ast.Constant, ast.JoinedStr)):
                node.value = ""  # type: ignore[union-attr]
        yield from ((path.name, text) for text in _texts(tree) if " " in text)
    for folder in ("roles", "playbooks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".j2":
                yield path.name, _EXPRESSION.sub("{}", path.read_text())
            elif path.suffix == ".yml":
                yield from ((path.name, text) for text in _texts_of_tasks(yaml.safe_load(path.read_text())))


def _named_variables(text: str) -> Iterator[str]:
    """The words that a reader takes for a variable: barman_… anywhere, others in quotes or with a value."""
    for found in _SET.finditer(text):
        if found["name"].startswith("barman_") or found["quote"] or found["after"]:
            yield found["name"]


def test_every_variable_in_a_message_exists() -> None:
    known = {*KNOWN_VARIABLES, *PLAYBOOK_VARIABLES, *OPTIONS, *_NO_VARIABLES}
    found = [(file, name) for file, text in _sentences() for name in _named_variables(text)]
    assert sorted({(file, name) for file, name in found if name not in known}) == []
    assert len(found) > 100


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("set backup_receiver_reset=when_needed", ["backup_receiver_reset"]),
        ("write pg_archive_overwrite: true", ["pg_archive_overwrite"]),
        ("'pg_archive_overwrite' is false", ["pg_archive_overwrite"]),
        ("write barman_receiver_reset", ["barman_receiver_reset"]),
        ("a rule in pg_hba.conf for pg_receivewal", []),
    ],
)
def test_what_looks_like_a_variable(text: str, names: list[str]) -> None:
    assert list(_named_variables(text)) == names


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
