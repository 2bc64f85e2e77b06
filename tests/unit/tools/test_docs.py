# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated pages are those that the code would generate now, and have every message."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
import yaml

from tests.tools import docs, messages
from tests.tools.stage import REPOSITORY


def test_generated_pages_are_current() -> None:
    assert docs.outdated() == [], "run `make docs`"


def raised() -> Iterator[tuple[str, str]]:
    """The texts that stand in a raise statement, with the file."""
    for file in sorted((REPOSITORY / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                text = messages.template(node.exc.args[0])
                if text and messages.is_message(text):
                    yield file.relative_to(REPOSITORY / "plugins").as_posix(), text


def test_each_raised_message_is_on_the_page() -> None:
    ignored = tuple(yaml.safe_load(messages.GROUPS.read_text())["ignored"])
    listed = {(one.path, one.text) for one in messages.messages()}
    expected = {(path, messages.message(path, text).text) for path, text in raised() if not path.startswith(ignored)}
    assert len(expected) > 200
    assert sorted(expected - listed) == []


def test_each_message_has_a_group_and_each_group_has_messages() -> None:
    known = messages.groups()
    of = {one.path: messages.group_of(one.path, known) for one in messages.messages()}
    assert [path for path, group in of.items() if group is None] == []
    assert {group.title for group in of.values() if group} == {group.title for group in known}
    assert all(group.when and group.remedy for group in known)


@pytest.mark.parametrize(
    ("source", "cause", "remedy"),
    [
        ('raise E(f"{a} is not on this host; install it")', "… is not on this host", "install it"),
        ('raise E("{} is not on this host. Run it again".format(a))', "… is not on this host.", "Run it again"),
        ('raise E("there is no %s of that name %s" % (a, b) + c)', "there is no … of that name …", ""),
        ('raise E("Run it again when the host answers")', "", "Run it again when the host answers"),
        (
            'Problem(h, "v", f"names {a}, which is unknown here", "name another")',
            "names …, which is unknown here",
            "name another",
        ),
        ('("key", r"pattern", "the role may not log in", lambda f: f"run {a}")', "the role may not log in", "run …"),
    ],
)
def test_what_is_read_from_code(source: str, cause: str, remedy: str) -> None:
    (found,) = messages.of_python("file.py", ast.parse(source))
    assert (found.text, found.remedy) == (cause, remedy)


@pytest.mark.parametrize(
    "source",
    ['"""A docstring of more than five words."""', 'x = "SELECT a FROM b WHERE c IS d"', 'x = "two words"', "x = 5"],
)
def test_what_is_no_message(source: str) -> None:
    assert list(messages.of_python("file.py", ast.parse(source))) == []


def test_messages_of_tasks() -> None:
    tasks = yaml.safe_load("- block:\n    - ansible.builtin.fail: {msg: '{{ a }} waits for a restart; allow it'}\n")
    assert [(one.text, one.remedy) for one in messages.of_tasks("x.yml", tasks)] == [
        ("… waits for a restart", "allow it")
    ]
