# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The skeleton of the actions: arguments in, values out. This plugin util is private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase


class Action(ActionBase):
    """An action on the controller. Unless a subclass declares something else, it connects to no host and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    ARGUMENTS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """The argument specification."""
    CONSTRAINTS: ClassVar[Mapping[str, Any]] = {}
    """Those between arguments, such as required_if."""
    SHOWS_RESULT: ClassVar[bool] = False
    """Whether Ansible shows the result without -v, as that of ansible.builtin.debug."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=dict(self.ARGUMENTS), **self.CONSTRAINTS)
        result.update({"changed": False, **self.values(arguments, task_vars or {})})
        if self.SHOWS_RESULT:
            result["_ansible_verbose_always"] = True
        return result

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> Mapping[str, Any]:
        """What the result has. Raises AnsibleActionFail, whose result has what a failed task returns beside its message.

        arguments: validated, with defaults. variables: those of the task's host.
        """
        raise NotImplementedError


def problem_lines(problems: Iterable[object], *, heading: str = "Nothing was changed.") -> str:
    """The message of an error that has several problems, a line each."""
    return "\n".join((heading, *(f"- {problem}" for problem in problems)))
