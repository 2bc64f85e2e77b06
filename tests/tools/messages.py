# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's messages, read from the code that makes them: docs/reference/messages.md.

A message ends with its remedy. The rest of this page's text, and the remedy of messages without one, are in messages.yml.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.tools.stage import REPOSITORY

GROUPS = Path(__file__).with_suffix(".yml")
ANY = "…"
"""What stands in a message for a value of the run."""

_WORDS = 5
_DOCUMENTATION = frozenset({"DOCUMENTATION", "EXAMPLES", "RETURN", "ATTRIBUTES"})
_PAIRS = frozenset({"Problem", "InvalidValue"})
"""Their last two arguments are the message and its remedy."""

_CODE = re.compile(
    r"\bSELECT\b|\bCREATE\b|\(\?|\\[wds]|\$\(|\n {2,}|\A\s*(?:[a-z_]+\s+){30}|\A[\s;,.:)(]|\A-{2}|#!"
    r"|\.\*|\[\^|\w\|\w|\A/|\A[A-Z_]+ [A-Z_…]+ |\A[a-z]+ing |\Arm -|\A\w+: \w+\Z|\Aimport |\Aexec "
)
_WHOLE_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_REMEDY = re.compile(
    r"(?:^|(?<=[.;:?] )|(?<=… )(?=(?-i:[A-Z])))(?:If [^.;]+?, )?(?:either |or |please |then )?"
    r"(?:abort|add|allow|archive|authorize|build|call|change|check|choose|close|configure"
    r"|connect|copy|correct|create|declare|delete|deploy|disable|do not|don't|drop|empty"
    r"|enable|end|find|fix|free|get|give|grant|have|increase|inspect|install|keep|leave|let|limit|list|load|lower|make|mount|move|name|omit|point|prepare|promote"
    r"|put|quote|raise|read|rebuild|recover|register|release|remove|rename|repair|repeat|replace|report|reset|restart|restore|retry|run|select|set|show|shorten|start|stop|take|test|try"
    r"|turn|unmount|update|upgrade|use|wait|write)\b(?! by\b| in\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Message:
    """path: the file that makes the message. text: with … for each value. remedy: the part that reports what to do, if there is one."""

    path: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Group:
    """Messages with a common origin. paths: the beginnings of their files' names, the longest one that fits counts."""

    title: str
    when: str
    remedy: str
    paths: tuple[str, ...]


def template(node: ast.AST) -> str | None:
    """The text of an expression with … for the values in it; None if it is no text."""
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else ANY for part in values)
        case ast.BinOp(left=left, op=ast.Mod()):
            text = template(left)
            return None if text is None else re.sub(r"%[.\d]*[a-z]", ANY, text)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = template(left), template(right)
            return None if parts == (None, None) else "".join(ANY if part is None else part for part in parts)
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            text = template(value)
            return None if text is None else re.sub(r"\{[^{}]*\}", ANY, text)
        case _:
            return None


def _pair(first: ast.AST, second: ast.AST) -> tuple[str, str] | None:
    """A message and its remedy, each as a text or as a function that returns it."""
    text, remedy = (template(node.body if isinstance(node, ast.Lambda) else node) for node in (first, second))
    return (text, remedy) if text and remedy and is_message(f"{text} {remedy}") else None


def split(text: str) -> tuple[str, str]:
    """A message as cause and remedy; the remedy is empty if the message has none."""
    found = _REMEDY.search(text)
    if not found:
        return text, ""
    return text[: found.start()].rstrip(" ;:"), text[found.start() :]


def is_message(text: str) -> bool:
    return len(re.findall(r"(?<!\S)\S*[A-Za-z]{2}", text)) >= _WORDS and not _CODE.search(text)


def message(path: str, text: str, remedy: str = "") -> Message:
    if remedy:
        return Message(path, _plain(text), _plain(remedy))
    return Message(path, *(_plain(part) for part in split(" ".join(text.split()))))


def _plain(text: str) -> str:
    return re.sub(rf"{ANY}{{2,}}", ANY, " ".join(text.split()))


def of_python(path: str, tree: ast.AST) -> Iterator[Message]:
    """Every text in the code that reads as a message."""
    match tree:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if (
            name in _DOCUMENTATION
        ):
            return
        case ast.Call(func=ast.Name(id=name), args=[*_, first, second]) if name in _PAIRS and (
            pair := _pair(first, second)
        ):
            yield message(path, *pair)
            return
        case ast.Tuple(elts=[ast.Constant(), _, first, second]) if pair := _pair(first, second):
            yield message(path, *pair)
            return
    text = template(tree)
    if text is not None:
        if is_message(text):
            yield message(path, text)
        return
    for child in ast.iter_child_nodes(tree):
        yield from of_python(path, child)


def of_tasks(path: str, value: Any) -> Iterator[Message]:
    """The messages with which tasks fail."""
    if isinstance(value, list):
        for item in value:
            yield from of_tasks(path, item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("ansible.builtin.fail", "ansible.builtin.assert"):
                text = str(item.get("msg") or item.get("fail_msg") or "")
                text = _WHOLE_EXPRESSION.sub(ANY, text)
                if is_message(text):
                    yield message(path, text)
            else:
                yield from of_tasks(path, item)


def messages(root: Path = REPOSITORY) -> list[Message]:
    """All of them, sorted, each once."""
    ignored = tuple(yaml.safe_load(GROUPS.read_text(encoding="utf-8"))["ignored"])
    found: set[Message] = set()
    for file in sorted((root / "plugins").rglob("*.py")):
        path = file.relative_to(root / "plugins").as_posix()
        if not path.startswith(ignored):
            found.update(of_python(path, ast.parse(file.read_text(encoding="utf-8"))))
    for folder in ("roles", "playbooks"):
        for file in sorted((root / folder).rglob("*.yml")):
            if not file.name.endswith(".meta.yml") and "/meta/" not in file.as_posix():
                found.update(
                    of_tasks(file.relative_to(root).as_posix(), yaml.safe_load(file.read_text(encoding="utf-8")))
                )
    return sorted(found)


def groups() -> list[Group]:
    declared = yaml.safe_load(GROUPS.read_text(encoding="utf-8"))["groups"]
    return [Group(one["title"], one["when"], one["remedy"], tuple(one["paths"])) for one in declared]


def group_of(path: str, known: list[Group]) -> Group | None:
    fitting = [(len(prefix), group) for group in known for prefix in group.paths if path.startswith(prefix)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _cell(text: str) -> str:
    return re.sub(r"([\\*_`<\[|$])", r"\\\1", text)


def page(header: str) -> str:
    """docs/reference/messages.md."""
    known, everything = groups(), messages()
    lines = [header, "# Messages", ""]
    lines += [*yaml.safe_load(GROUPS.read_text(encoding="utf-8"))["introduction"].strip().splitlines(), ""]
    for group in known:
        mine = [one for one in everything if group_of(one.path, known) == group]
        if not mine:
            continue
        lines += [f"## {group.title}", "", group.when, "", f"If the message names no remedy: {group.remedy}", ""]
        lines += ["| Cause | Remedy in the message |", "|---|---|"]
        rows = {(one.text, one.remedy): None for one in mine}
        lines += [f"| {_cell(text)} | {_cell(remedy)} |" for text, remedy in rows]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"
