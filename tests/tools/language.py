# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether documentation, messages, task names, docstrings and comments keep to the project's words (`tests/tools/language.yml`).

python -m tests.tools.language [PATH ...]
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.tools import messages
from tests.tools.stage import REPOSITORY

RULES = Path(__file__).with_suffix(".yml")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md", "roles/*/README.md")
GENERATED = "docs/reference/"
"""Made from what is read anyway."""

DOCUMENTED = ("plugins/modules/*.py", "plugins/filter/*.py", "plugins/doc_fragments/*.py")
MESSAGES = ("plugins/**/*.py", "roles/**/*.py")
COMMENTED = ("plugins/**/*.py", "roles/**/*.py", "roles/**/*.yml", "playbooks/**/*.yml")
SPECIFICATIONS = ("roles/*/meta/argument_specs.yml", "playbooks/*.meta.yml", "changelogs/fragments/*.yml")
TASKS = (
    *("roles/*/tasks/**/*.yml", "roles/*/handlers/**/*.yml", "playbooks/**/*.yml"),
    "extensions/molecule/**/*.yml",
)

PROSE_KEYS = frozenset({"short_description", "description", "notes", "release_summary", "details", "support"})
_CODE = re.compile(r"``[^`]+``|`[^`]+`|\b[A-Z]\((?:[^()]|\([^()]*\))*\)|\{\{.*?\}\}|<[^>]+>|https?://\S+")
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+(?=[A-Z`(\"*0-9X])")


@dataclass(frozen=True)
class Text:
    """A piece of prose, with its place. task: whether it is the name of a play, a task or a block. words_only: its sentences may be long."""

    path: str
    line: int
    text: str
    task: bool = False
    words_only: bool = False


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    instead: str


@dataclass(frozen=True)
class Rules:
    """words: of prose. names: of the parts of identifiers. verbs: with which the name of a task begins."""

    words: tuple[Rule, ...]
    names: tuple[Rule, ...]
    verbs: frozenset[str]
    longest_sentence: int


@dataclass(frozen=True)
class Complaint:
    path: str
    line: int
    what: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}: {self.sentence}"


def load(path: Path = RULES) -> Rules:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    words = [Rule(re.compile(rf"\b(?:{one['pattern']})\b", re.IGNORECASE), one["instead"]) for one in data["words"]]
    conditions = [Rule(re.compile(one["pattern"], re.IGNORECASE), one["instead"]) for one in data["conditions"]]
    names = tuple(Rule(re.compile(one["pattern"], re.IGNORECASE), one["instead"]) for one in data["names"])
    return Rules((*words, *conditions), names, frozenset(data["task_verbs"]), data["longest_sentence"])


def sentences(text: str) -> Iterator[str]:
    """The sentences of a piece of prose, with X for each piece of code."""
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    plain = " ".join(_CODE.sub("X", plain).split())
    yield from (sentence for sentence in _SENTENCE.split(plain) if sentence)


def complaints(texts: Iterable[Text], rules: Rules) -> Iterator[Complaint]:
    for one in texts:
        if one.task and re.split(r"\W", one.text, maxsplit=1)[0] not in rules.verbs:
            yield Complaint(one.path, one.line, "the first word is not in task_verbs", one.text)
        for sentence in sentences(one.text):
            for rule in rules.words:
                if match := rule.pattern.search(sentence):
                    yield Complaint(one.path, one.line, f"'{match[0].strip()}' → {rule.instead}", sentence)
            count = len(re.findall(r"[\w'’.-]*\w", sentence))
            if count > rules.longest_sentence and not one.words_only:
                yield Complaint(one.path, one.line, f"{count} words", sentence)


def of_markdown(path: str, text: str) -> Iterator[Text]:
    """Paragraphs, items and the cells of tables, without code blocks and comments."""
    text = re.sub(r"<!--.*?-->", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(r"^( *)```.*?^\1```", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    block: list[str] = []
    began = 0

    def end() -> Iterator[Text]:
        if block:
            yield Text(path, began, " ".join(block))
            block.clear()

    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        item = re.match(r"(?:[-*]|\d+\.)\s+", bare)
        if not bare or bare.startswith("#") or bare.startswith("|") or item or (line.startswith("    ") and not block):
            yield from end()
        if bare.startswith("|"):
            yield from (Text(path, number, cell) for cell in bare.strip("|").split(" | ") if re.search(r"\w", cell))
        elif bare.startswith("#"):
            yield Text(path, number, bare.lstrip("# "))
        elif bare and not (line.startswith("    ") and not block):
            if not block:
                began = number
            block.append(bare[item.end() :] if item else bare)
    yield from end()


def of_data(path: str, value: Any, *, prose: bool = False) -> Iterator[Text]:
    """The descriptions in a specification."""
    if isinstance(value, str):
        if prose:
            yield Text(path, 0, value)
    elif isinstance(value, list):
        for item in value:
            yield from of_data(path, item, prose=prose)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from of_data(
                path, item, prose=key in PROSE_KEYS or str(key).endswith("_changes") or key == "bugfixes"
            )


def of_python(path: str, text: str) -> Iterator[Text]:
    """The descriptions in DOCUMENTATION, RETURN and the fragments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if names and all(name.isupper() for name in names) and "EXAMPLES" not in names:
                for one in of_data(path, yaml.safe_load(node.value.value)):
                    yield Text(path, node.lineno, one.text)


_NO_PROSE = re.compile(r"\bSELECT\b|\(\?|\$\(|\n {2,}|\A\s*(?:[a-z_]+\s+){40}")
"""Text in the code that nobody reads: SQL, patterns, scripts, lists of words."""


_WHERE = re.compile(r"\b[Ww]here\b")
"""In docstrings and comments often a place, as in "where a section begins", so it is no condition there."""
_COMMENT = re.compile(r"^\s*#(?!!| Copyright| GNU| SPDX| noqa| type:)[:\s]*(.*)$")


def of_docstrings(path: str, text: str) -> Iterator[Text]:
    """Each docstring. What follows its first line lists shapes and units, so only its words are read."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            first, _separator, rest = _WHERE.sub("X", ast.get_docstring(node) or "").partition("\n")
            line = getattr(node, "lineno", 1)
            if first:
                yield Text(path, line, first)
            if rest.strip():
                yield Text(path, line, rest, words_only=True)


def of_comments(path: str, text: str) -> Iterator[Text]:
    """Each block of comments of a Python or YAML file that stands in lines of its own."""
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if comment := _COMMENT.match(line):
            block.append(comment[1])
        elif block:
            yield Text(path, number - len(block), _WHERE.sub("X", " ".join(block)), words_only=True)
            block = []


def of_messages(path: str, text: str) -> Iterator[Text]:
    """The texts in the code, with X for each expression; neither docstrings nor what of_python reads."""
    tree = ast.parse(text)
    others: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            others.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            others |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in others:
            continue
        if isinstance(node, ast.JoinedStr):
            message = str(messages.template(node)).replace(messages.ANY, "X")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            message = node.value.replace("{}", "X")
        else:
            continue
        if message.count(" ") > 2 and not _NO_PROSE.search(message):
            yield Text(path, node.lineno, message)


def of_tasks(path: str, value: Any) -> Iterator[Text]:
    """The names of plays, tasks and blocks."""
    if isinstance(value, list):
        for item in value:
            yield from of_tasks(path, item)
    elif isinstance(value, dict):
        if isinstance(value.get("name"), str):
            yield Text(path, 0, value["name"], task=True)
        for key in ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always", "handlers"):
            yield from of_tasks(path, value.get(key))


class _Loader(yaml.SafeLoader):
    """Reads files with tags, as !vault and !unsafe, whose values do not matter here."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def texts(root: Path = REPOSITORY) -> Iterator[Text]:
    """All that the rules are for."""

    def files(patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
        for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
            name = str(path.relative_to(root))
            if not name.startswith(GENERATED):
                yield name, path.read_text(encoding="utf-8")

    for name, text in files(PAGES):
        yield from of_markdown(name, text)
    for name, text in files(DOCUMENTED):
        yield from of_python(name, text)
    for name, text in files(MESSAGES):
        yield from of_messages(name, text)
        yield from of_docstrings(name, text)
    for name, text in files(COMMENTED):
        yield from of_comments(name, text)
    for name, text in files(SPECIFICATIONS):
        yield from of_data(name, yaml.safe_load(text))
    for name, text in files(TASKS):
        if not name.endswith(".meta.yml"):
            yield from of_tasks(name, yaml.load(text, _Loader))


def main(chosen: list[str]) -> int:
    found = [one for one in complaints(texts(), load()) if not chosen or one.path in chosen]
    for one in found:
        print(one)
    print(f"language: {len(found)} complaints", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
