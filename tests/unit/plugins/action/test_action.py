# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The skeleton of the actions: what Ansible gets of an action's values, and of an error."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action, problem_lines
from tests.unit.plugins.action.running import failed_action, run_action


class Echo(Action):
    ARGUMENTS = {  # noqa: RUF012
        "number": {"type": "int", "default": 1},
        "first": {"type": "str"},
        "second": {"type": "str"},
    }
    CONSTRAINTS = {"mutually_exclusive": [("first", "second")]}  # noqa: RUF012

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        if arguments["number"] < 1:
            raise AnsibleActionFail("the number is too small", result={"least": 1})
        return {"number": arguments["number"], "variables": variables}


class Shown(Echo):
    SHOWS_RESULT = True


def plugin(action: type[Action]) -> Any:
    return SimpleNamespace(ActionModule=action, __name__="action.echo")


def test_arguments_are_converted_and_have_defaults() -> None:
    assert run_action(plugin(Echo)) == {"changed": False, "number": 1, "variables": {}}
    assert run_action(plugin(Echo), {"a": 2}, number="3") == {"changed": False, "number": 3, "variables": {"a": 2}}


def test_check_mode_is_the_same() -> None:
    assert run_action(plugin(Echo), check_mode=True) == run_action(plugin(Echo))


def test_a_result_is_shown_if_the_action_declares_it() -> None:
    assert run_action(plugin(Shown)) == {**run_action(plugin(Echo)), "_ansible_verbose_always": True}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"third": "x"}, "Unsupported parameters for (pgdr.barman.echo) module: third"),
        ({"number": "x"}, "number"),
        ({"first": "x", "second": "y"}, "mutually exclusive: first|second"),
    ],
)
def test_wrong_arguments_are_an_error(arguments: dict[str, Any], expected: str) -> None:
    assert expected in failed_action(plugin(Echo), **arguments)[0]


def test_an_error_has_its_result() -> None:
    assert failed_action(plugin(Echo), number=0) == ("the number is too small", {"least": 1})


def test_problems_are_lines() -> None:
    assert problem_lines(["one", 2]) == "Nothing was changed.\n- one\n- 2"
    assert problem_lines([], heading="Nothing.") == "Nothing."
