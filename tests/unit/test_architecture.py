# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of docs/architecture.md that a program can check."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY

PLUGINS = REPOSITORY / "plugins"
FOUNDATIONS = ("_host", "_postgres", "_barman")
"""Folders of module_utils that import only what stands before them. The other folders are operations."""
GLOBS = {
    "_placement/machine.py": "keys of users, which root lists",
    "_postgres/start_settings.py": "/etc/postgresql, which everybody can list",
    "_server/existing.py": "the files of cron and systemd, which root lists",
}
"""Files below module_utils that use glob. It returns nothing for a directory that can't be listed."""


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """The packages of this collection that a file imports, as parts below `plugins`."""
    package = path.relative_to(PLUGINS).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = (*base, *(node.module.split(".") if node.module else ()))
            yield from ((*target, name.name) for name in node.names)


def folder_imports() -> dict[str, set[str]]:
    """Of each folder of module_utils: the other folders that its files import."""
    found: dict[str, set[str]] = {}
    for path in sorted((PLUGINS / "module_utils").glob("*/*.py")):
        folder = path.parent.name
        found.setdefault(folder, set()).update(
            target[1] for target in imports(path) if target[0] == "module_utils" and target[1] != folder
        )
    return found


def test_the_foundations_import_only_what_stands_before_them() -> None:
    found = folder_imports()
    for number, folder in enumerate(FOUNDATIONS):
        assert found[folder] <= set(FOUNDATIONS[:number]), folder


def test_operations_do_not_import_each_other_in_a_circle() -> None:
    left = {folder: used - set(FOUNDATIONS) for folder, used in folder_imports().items() if folder not in FOUNDATIONS}
    while left:
        free = {folder for folder, used in left.items() if not used & set(left)}
        assert free, f"a circle among {sorted(left)}"
        left = {folder: used for folder, used in left.items() if folder not in free}


@pytest.mark.parametrize("path", sorted((PLUGINS / "module_utils").rglob("*.py")), ids=lambda path: path.stem)
def test_module_utils_import_nothing_of_the_controller_s(path: Path) -> None:
    assert [target for target in imports(path) if target[0] != "module_utils"] == []


LONGEST_FILE = 500
LONGER_FILES: dict[str, str] = {}
"""Tables of data that may be longer, each with the reason."""
LONGEST_MODULE = 40


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_are_short() -> None:
    """Modules do not count: most of them is documentation, and what follows it has a limit of its own."""
    long = {
        str(path.relative_to(PLUGINS))
        for path in PLUGINS.rglob("*.py")
        if path.parent.name != "modules" and lines_of(path) > LONGEST_FILE
    }
    assert long == set(LONGER_FILES)


def code_after_documentation(text: str) -> list[str]:
    """The lines of a module behind the last of DOCUMENTATION, EXAMPLES and RETURN."""
    documentation = [
        node.end_lineno or 0
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and any(
            isinstance(target, ast.Name) and target.id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
            for target in node.targets
        )
    ]
    return text.splitlines()[max(documentation) :]


@pytest.mark.parametrize("path", sorted((PLUGINS / "modules").glob("*.py")), ids=lambda path: path.stem)
def test_a_module_is_documentation_arguments_and_one_call(path: Path) -> None:
    code = code_after_documentation(path.read_text(encoding="utf-8"))
    assert len(code) <= LONGEST_MODULE
    assert not code or "    run_module(" in "\n".join(code)


LONGEST_ACTION = 60
OTHER_ACTIONS = {"lock": "runs the module of its name, which validates the arguments"}
"""Actions that do not derive from the skeleton, each with the reason."""


def bases(path: Path) -> dict[str, list[str]]:
    """The base classes of each class in a file, as they are written there."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name: [ast.unparse(base) for base in node.bases] for node in tree.body if isinstance(node, ast.ClassDef)
    }


def test_an_action_derives_from_the_skeleton() -> None:
    found = {path.stem: bases(path) for path in (PLUGINS / "action").glob("*.py")}
    assert [name for name, classes in found.items() if list(classes) != ["ActionModule"]] == []
    others = {name for name, classes in found.items() if classes["ActionModule"] != ["Action"]}
    assert others == set(OTHER_ACTIONS)
    texts = {name: (PLUGINS / "action" / f"{name}.py").read_text(encoding="utf-8") for name in set(found) - others}
    assert [name for name, text in sorted(texts.items()) if "def run(" in text or "def values(" not in text] == []


@pytest.mark.parametrize("path", sorted((PLUGINS / "action").glob("*.py")), ids=lambda path: path.stem)
def test_an_action_is_thin(path: Path) -> None:
    """What it decides is a function of plugin_utils."""
    assert lines_of(path) <= LONGEST_ACTION


def test_a_type_s_name_is_unique() -> None:
    places: dict[str, list[str]] = {}
    for path in (PLUGINS / "module_utils").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(PLUGINS)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


PLUGIN_KINDS = ("action", "filter", "modules")


def plugins_in_tests() -> set[str]:
    """The plugins that a unit test imports, as KIND/NAME, and the actions that a task of a test's play runs."""
    found: set[str] = set()
    for path in (REPOSITORY / "tests/unit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{name.name}" for name in node.names]
                found |= {"/".join(match.groups()) for name in names if (match := _IMPORTED.match(name))}
            found |= {f"action/{match[1]}" for text in texts_of_tasks(node) for match in _TASK.finditer(text)}
    return found


def texts_of_tasks(node: ast.AST) -> list[str]:
    """What can be a task's action: the keys of a dictionary, or a text with several lines."""
    if isinstance(node, ast.Dict):
        keys = (key.value for key in node.keys if isinstance(key, ast.Constant))
        return [f"{key}:" for key in keys if isinstance(key, str)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value else []


_IMPORTED = re.compile(rf"ansible_collections\.pgdr\.barman\.plugins\.({'|'.join(PLUGIN_KINDS)})\.(\w+)")
_TASK = re.compile(r"^ *pgdr\.barman\.(\w+):$", re.MULTILINE)


@pytest.mark.parametrize("kind", PLUGIN_KINDS)
def test_a_plugin_has_a_unit_test_at_its_own_level(kind: str) -> None:
    """A test of what a plugin calls does not find that its arguments and its result do not fit."""
    actions = {path.stem for path in (PLUGINS / "action").glob("*.py")}
    tested = plugins_in_tests()
    names = sorted(path.stem for path in (PLUGINS / kind).glob("*.py"))
    # The file in modules that belongs to an action has its documentation only.
    documentation = actions - {"lock"} if kind == "modules" else set()
    assert [name for name in names if f"{kind}/{name}" not in tested and name not in documentation] == []


ROLES = sorted(path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir())
PRIVATE = re.compile(rf"\b__({'|'.join(ROLES)})_\w+")
"""A variable that a role keeps for itself."""


def yaml_and_templates() -> list[Path]:
    found = [path for folder in ("roles", "playbooks") for path in (REPOSITORY / folder).rglob("*") if path.is_file()]
    return sorted(path for path in found if path.suffix in (".yml", ".j2"))


@pytest.mark.parametrize("path", yaml_and_templates(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_private_variable_is_read_in_its_role_only(path: Path) -> None:
    parts = path.relative_to(REPOSITORY).parts
    own = parts[1] if parts[0] == "roles" else ""
    text = path.read_text(encoding="utf-8")
    assert sorted({found.group(0) for found in PRIVATE.finditer(text) if found.group(1) != own}) == []


@pytest.mark.parametrize("path", yaml_and_templates(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_private_variable_of_another_host_is_not_read(path: Path) -> None:
    """What a role hands on to other hosts is a documented fact whose name begins with barman_."""
    text = path.read_text(encoding="utf-8")
    of_others = re.compile(r"hostvars\[[^\]]*\]\.__\w+|attribute='__\w+|selectattr\('__\w+")
    assert of_others.findall(text) == []


def test_only_documented_facts_go_without_the_role_s_prefix() -> None:
    """Each is described in docs/architecture.md."""
    described = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    registered = {
        found.group(1)
        for path in yaml_and_templates()
        if path.relative_to(REPOSITORY).parts[0] == "roles"
        for found in re.finditer(r"register: (barman_\w+)", path.read_text(encoding="utf-8"))
    }
    assert [name for name in sorted(registered) if f"`{name}`" not in described] == []


@pytest.mark.parametrize("path", sorted((REPOSITORY / "roles/backup/tasks").glob("*.yml")), ids=lambda path: path.name)
def test_the_state_of_an_operation_is_never_replaced_by_a_skipped_result(path: Path) -> None:
    for task in yaml.safe_load(path.read_text(encoding="utf-8")):
        assert task.get("register") != "barman_operation" or "when" not in task, task["name"]


LONGEST_TEMPLATE_LINE = 120
LONGEST_CHAIN = 5
MOST_FACTS_SET = 12
JINJA = re.compile(r"\{\{|\{%|\}\}|%\}")
CHAIN = re.compile(r"\{%-?\s*(?:if|for)\b.*?\{%-?\s*end(?:if|for)\b", re.DOTALL)


def template_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with a part of a Jinja expression, also those in the middle of one, with their numbers."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        marks = JINJA.findall(line)
        if marks or inside:
            yield number, line
        if marks:
            inside = marks[-1] in ("{{", "{%")


def yaml_files() -> list[Path]:
    return [path for path in yaml_and_templates() if path.suffix == ".yml"]


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_line_of_jinja_is_short(path: Path) -> None:
    """What does not fit on a line decides something: it belongs into an action, a module or a filter."""
    text = path.read_text(encoding="utf-8")
    assert [number for number, line in template_lines(text) if len(line) > LONGEST_TEMPLATE_LINE] == []


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_statements_of_jinja_are_for_templates(path: Path) -> None:
    chains = [found.group(0) for found in CHAIN.finditer(path.read_text(encoding="utf-8"))]
    assert [chain for chain in chains if len(chain.splitlines()) > LONGEST_CHAIN] == []


def test_few_facts_are_set() -> None:
    """A fact is an observation or a plan, stored once: no loop variable, no flag and no accumulator."""
    found = [
        str(path.relative_to(REPOSITORY))
        for path in yaml_files()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip(" -").startswith("ansible.builtin.set_fact:")
    ]
    assert len(found) < MOST_FACTS_SET, found


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("*.py")), ids=lambda path: str(path.relative_to(PLUGINS)))
def test_a_directory_that_cannot_be_listed_is_no_empty_one(path: Path) -> None:
    """os.walk without onerror passes over a directory that it can't read, and glob always does: names_in and walk of _host/files.py report it."""
    found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    walks = [node for node in found if ast.unparse(node.func) == "os.walk"]
    assert [node.lineno for node in walks if "onerror" not in {one.arg for one in node.keywords}] == []
    globs = [node for node in found if ast.unparse(node.func) in ("glob.glob", "glob.iglob")]
    allowed = str(path.relative_to(PLUGINS)).partition("/")[2] in GLOBS
    assert allowed or [node.lineno for node in globs] == []
    listing = ("os.listdir", "os.scandir")
    silent = [
        handler.lineno
        for attempt in ast.walk(ast.parse(path.read_text()))
        if isinstance(attempt, ast.Try)
        and any(isinstance(node, ast.Call) and ast.unparse(node.func) in listing for node in ast.walk(attempt))
        for handler in attempt.handlers
        if handler.type is None
        or {"OSError", "PermissionError"} & set(ast.unparse(handler.type).strip("()").split(", "))
        if not isinstance(handler.body[-1], ast.Raise)
    ]
    assert silent == []


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("*.py")), ids=lambda path: str(path.relative_to(PLUGINS)))
def test_a_function_has_lines_of_its_own(path: Path) -> None:
    """ansible-test of ansible-core 2.16 refuses "def f(): ..." in one line (E704)."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert [node.name for node in functions if node.body[0].lineno == node.lineno] == []


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("*.py")), ids=lambda path: str(path.relative_to(PLUGINS)))
def test_a_plugin_calls_and_defaults_to_nothing_that_sanity_refuses(path: Path) -> None:
    """ansible-test's pylint: print() and sys.exit() are for programs (_program/output.py writes), and no default is a dictionary of the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tables = {
        target.id
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, (ast.Dict, ast.List, ast.Set))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found = [
        f"{node.lineno}: {ast.unparse(node.func)}()"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit", "exit")
    ]
    found += [
        f"{node.lineno}: {node.name}({default.id})"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for default in (*node.args.defaults, *node.args.kw_defaults)
        if isinstance(default, ast.Name) and default.id in tables
    ]
    assert found == []
