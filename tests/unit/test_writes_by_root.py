# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rule: what writes by path is within acting_as or writing_as, or in _host/safe_files.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

PLUGINS = REPOSITORY / "plugins"
HELPER = PLUGINS / "module_utils" / "_host" / "safe_files.py"
IN_USER = {"acting_as", "writing_as"}
BY_PATH = {
    "os": {
        *("chown", "lchown", "chmod", "lchmod", "makedirs", "mkdir", "mkfifo", "mknod", "rename", "renames", "replace"),
        *("unlink", "remove", "rmdir", "removedirs", "symlink", "link", "truncate", "utime"),
    },
    "shutil": {"chown", "copy", "copy2", "copyfile", "copymode", "copystat", "copytree", "move", "rmtree"},
    "tempfile": {"mkdtemp", "mkstemp", "NamedTemporaryFile", "TemporaryDirectory"},
}
# Of pathlib.Path.
METHODS = {"write_text", "write_bytes", "symlink_to", "hardlink_to", "touch"}
# Set by the modules that Ansible's own class offers.
ANSIBLE = {"atomic_move", "set_fs_attributes_if_different", "set_owner_if_different", "set_mode_if_different"}


def writes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and name of each call that writes by path as whoever the process is."""

    def visit(node: ast.AST, *, in_user: bool) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.With):
            names = [
                item.context_expr.func.id
                for item in node.items
                if isinstance(item.context_expr, ast.Call) and isinstance(item.context_expr.func, ast.Name)
            ]
            in_user = in_user or bool(IN_USER.intersection(names))
        if isinstance(node, ast.Call) and not in_user:
            name = called(node)
            if name:
                yield node.lineno, name
        for child in ast.iter_child_nodes(node):
            yield from visit(child, in_user=in_user)

    yield from visit(tree, in_user=False)


def called(node: ast.Call) -> str | None:
    function = node.func
    if isinstance(function, ast.Name) and function.id == "open":
        mode = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "mode"), None)
        text = mode.value if isinstance(mode, ast.Constant) else "r" if mode is None else "?"
        return "open" if set("wax+?") & set(str(text)) else None
    if not isinstance(function, ast.Attribute):
        return None
    module = function.value.id if isinstance(function.value, ast.Name) else ""
    if any(keyword.arg in ("dir_fd", "src_dir_fd") for keyword in node.keywords):
        return None
    if module == "os" and function.attr == "open":
        flags = ast.unparse(node.args[1])
        return "os.open" if any(word in flags for word in ("O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC")) else None
    if function.attr in BY_PATH.get(module, ()):
        return f"{module}.{function.attr}"
    return function.attr if function.attr in METHODS | ANSIBLE else None


@pytest.mark.parametrize(
    "path", [path for path in sorted(PLUGINS.rglob("*.py")) if path != HELPER], ids=lambda path: path.name
)
def test_plugins_write_as_the_user_or_by_the_helper(path: Path) -> None:
    found = [f"{path.name}:{line}: {name}" for line, name in writes(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == [], "write with _host/safe_files.py, or within acting_as() or writing_as()"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("os.chown(path, 1, 1)", ["os.chown"]),
        ("open(path, 'w')", ["open"]),
        ("open(path, mode='ab')", ["open"]),
        ("open(path, mode)", ["open"]),
        ("os.open(path, os.O_RDWR | os.O_CREAT)", ["os.open"]),
        ("os.mkdir(name, dir_fd=directory)", []),
        ("open(path)", []),
        ("with acting_as(user):\n    os.makedirs(path)", []),
        ("with writing_as(user, path), open(path, 'x') as stream:\n    pass", []),
        ("with suppress(OSError):\n    os.unlink(path)", ["os.unlink"]),
        ("path.write_text('')", ["write_text"]),
    ],
)
def test_the_rule_finds_a_write(code: str, expected: list[str]) -> None:
    assert [name for _line, name in writes(ast.parse(code))] == expected


WRITING = {
    "ansible.builtin." + name
    for name in ("copy", "template", "file", "lineinfile", "blockinfile", "replace", "unarchive", "get_url", "assemble")
} | {"ansible.posix.authorized_key", "community.crypto.openssh_keypair"}
# Nobody but root writes there.
OF_ROOT = (
    "/etc/cron.d/",
    "/etc/logrotate.d/",
    "/etc/nagios/nrpe.d/",
    "/etc/pgdr-barman-notify.json",
    "/etc/prometheus/",
    "/etc/sudoers.d/",
    "/etc/systemd/system/",
)


def tasks(value: Any, *, become_user: bool, local: bool) -> Iterator[tuple[dict[str, Any], bool, bool]]:
    """Each task, and whether it runs as another user than root, or on the controller."""
    if isinstance(value, list):
        for item in value:
            yield from tasks(item, become_user=become_user, local=local)
    elif isinstance(value, dict):
        become_user = become_user or "become_user" in value
        local = local or (value.get("delegate_to") == "localhost" and value.get("become") is False)
        yield value, become_user, local
        for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
            yield from tasks(value.get(key), become_user=become_user, local=local)


FILES = [
    path
    for top in ("roles", "playbooks")
    for path in sorted((REPOSITORY / top).rglob("*.yml"))
    if top == "playbooks" or path.parent.name in ("tasks", "handlers")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_tasks_write_as_the_user_or_where_only_root_does(path: Path) -> None:
    wrong = []
    # Included by a task that is the PostgreSQL user (roles/pg/tasks/managed.yml).
    as_user = path.relative_to(REPOSITORY).as_posix() == "roles/pg/tasks/rules.yml"
    for task, become_user, local in tasks(
        yaml.safe_load(path.read_text(encoding="utf-8")), become_user=as_user, local=False
    ):
        for name in WRITING.intersection(task):
            place = str(task[name].get("path") or task[name].get("dest") or "")
            if not become_user and not local and not place.startswith(OF_ROOT):
                wrong.append(f"{task.get('name')}: {name} writes {place} as root")
    assert wrong == []
