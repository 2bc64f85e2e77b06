# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names use the project's words: no part of a name is on the list `names` of tests/tools/language.yml."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.tools import language

PYTHON = ("plugins", "roles", "extensions", "tests")
TASKS = ("roles", "playbooks", "extensions")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FACTS = ("register", "loop_var", "index_var")
_MAPS = ("vars", "ansible.builtin.set_fact")
_TASK_LISTS = ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always", "handlers")


def parts(name: str) -> Iterator[str]:
    """The words of a name: snake_case, kebab-case, CamelCase."""
    yield from (part.lower() for part in _PART.findall(name))


def banned(name: str, rules: tuple[language.Rule, ...]) -> bool:
    return any(rule.pattern.fullmatch(part) for part in parts(name) for rule in rules)


def names_in_python(text: str) -> Iterator[str]:
    """What a file names itself: functions, classes, arguments, variables and attributes."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.arg
        elif isinstance(node, ast.alias) and node.asname is not None:
            yield node.asname


def names_in_tasks(value: object) -> Iterator[str]:
    """Variables that plays and tasks register or set."""
    if isinstance(value, list):
        for item in value:
            yield from names_in_tasks(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _FACTS and isinstance(item, str):
                yield item
            elif key in _MAPS and isinstance(item, dict):
                yield from (str(name) for name in item)
            elif key in (*_TASK_LISTS, "loop_control"):
                yield from names_in_tasks(item)


class _Loader(yaml.SafeLoader):
    """Reads files with tags, as !vault and !unsafe, whose values do not matter here."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def files(folders: tuple[str, ...], suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file() and path.suffix in suffixes
    )


@pytest.fixture(scope="module")
def rules() -> tuple[language.Rule, ...]:
    return language.load().names


def test_identifiers(rules: tuple[language.Rule, ...]) -> None:
    found = {
        (str(path.relative_to(REPOSITORY)), name)
        for path in files(PYTHON, (".py",))
        for name in names_in_python(path.read_text(encoding="utf-8"))
        if banned(name, rules)
    }
    assert sorted(found) == []


def test_variables_of_tasks(rules: tuple[language.Rule, ...]) -> None:
    found = {
        (str(path.relative_to(REPOSITORY)), name)
        for path in files(TASKS, (".yml",))
        for name in names_in_tasks(yaml.load(path.read_text(encoding="utf-8"), _Loader))
        if banned(name, rules)
    }
    assert sorted(found) == []


def test_files_and_folders(rules: tuple[language.Rule, ...]) -> None:
    paths = {
        part
        for path in files(
            ("plugins", "roles", "playbooks", "extensions", "tests", "docs"),
            (".py", ".yml", ".md", ".j2", ".sql", ".sh"),
        )
        for part in path.relative_to(REPOSITORY).parts
    }
    assert sorted(part for part in paths if banned(part.partition(".")[0], rules)) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relay_options", True),
        ("RelayOptions", True),
        ("_wanted", True),
        ("KEEPER", True),
        ("test_a_failure_is_told", True),
        ("unwanted", False),
        ("keep", False),
        ("essays", False),
    ],
)
def test_a_word_counts_as_a_whole_part(name: str, expected: bool, rules: tuple[language.Rule, ...]) -> None:
    assert banned(name, rules) is expected
