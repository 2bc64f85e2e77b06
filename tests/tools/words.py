# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the collection looks for words in what programs write, which are translated and change with versions.

Found are comparisons and regular expressions with two words next to each other, comparisons with a variable that has a program's
output, patterns that are not literal, and SQL that compares an error's text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_WORDS = re.compile(r"[A-Za-z']{2,}(?: |\\s[+*]?)[A-Za-z']{2,}")
_OUTPUT = ("text", "stderr", "stdout", "reported", "reason", "msg", "message", "output")
_PATTERN_FUNCTIONS = ("search", "match", "fullmatch", "findall", "finditer", "compile", "sub", "split")
_SQL = re.compile(r"\b(?:error|message|errmsg)\s*(?:=|<>|!=|~\*?|(?:NOT )?I?LIKE)\s*'[^']* ", re.IGNORECASE)
_JINJA = re.compile(
    r"(?:is (?:not )?(?:search|match|regex)\(|regex_(?:search|findall|replace)\()\s*(?P<pattern>'[^']*'|\"[^\"]*\")"
    r"|(?P<word>'[^']*'|\"[^\"]*\") (?:not )?in [\w.]*(?:msg|stderr|stdout|message)\b"
)


def in_python(text: str) -> set[str]:
    """The names of the functions, or of the module's constants, that look for words."""
    tree = ast.parse(text)
    strings = _strings(tree)
    return {name for name, node in _walk(tree) if _compares(node, strings)}


def in_jinja(text: str) -> list[str]:
    """The patterns with words, in YAML or a template."""
    found = [match["pattern"] or match["word"] for match in _JINJA.finditer(text)]
    return [pattern.strip("'\"") for pattern in found if _WORDS.search(pattern)]


def in_sql(text: str) -> bool:
    return _SQL.search(text) is not None


def python_files(root: Path) -> Iterator[Path]:
    for directory in ("plugins", "roles"):
        yield from sorted((root / directory).rglob("*.py"))


def _strings(tree: ast.Module) -> Mapping[str, str]:
    """The module's constants that are text or a regular expression, by name."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = " ".join(
                part.value
                for part in ast.walk(node.value)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
    return found


def _walk(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of what it is in: Class.function, or the constant that is assigned."""
    for node in ast.iter_child_nodes(tree):
        inner = name
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            inner = f"{name}.{node.name}".lstrip(".")
        elif isinstance(node, ast.Assign) and not name and isinstance(node.targets[0], ast.Name):
            inner = node.targets[0].id
        yield inner, node
        yield from _walk(node, inner)


def _compares(node: ast.AST, strings: Mapping[str, str]) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return in_sql(node.value)
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        left, right = node.left, node.comparators[0]
        if isinstance(left, ast.Constant):
            return isinstance(left.value, str) and _WORDS.search(left.value) is not None
        if isinstance(left, ast.Name) and _WORDS.search(strings.get(left.id, "")):
            return True
        return isinstance(left, (ast.Name, ast.Call)) and _is_output(right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("startswith", "endswith") and node.args and isinstance(node.args[0], ast.Constant):
            return isinstance(node.args[0].value, str) and _WORDS.search(node.args[0].value) is not None
        if (
            isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in _PATTERN_FUNCTIONS
        ):
            parts = [
                part.value
                for part in ast.walk(node.args[0])
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            names = [part.id for part in ast.walk(node.args[0]) if isinstance(part, ast.Name)]
            unknown = isinstance(node.args[0], ast.Name) and node.args[0].id not in strings
            return unknown or any(_WORDS.search(part) for part in [*parts, *(strings.get(name, "") for name in names)])
    return False


def _is_output(node: ast.AST) -> bool:
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return (isinstance(node, ast.Name) and node.id in _OUTPUT) or (
        isinstance(node, ast.Attribute) and node.attr in _OUTPUT
    )
