# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The skeleton of every module: arguments in, one operation, one answer out.

This module util is private to the collection. It travels with every module, so it imports nothing that only some of them need.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Protocol

from ansible.module_utils.basic import AnsibleModule

from ._host.process import HostError
from ._host.result import Result

Masking = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Operation(Protocol):
    """What a module does. Raises HostError, whose text is the module's message."""

    def __call__(self, params: dict[str, Any], *, check_mode: bool) -> Result:
        """Return the module's result."""


def run_module(
    arguments: Mapping[str, Any],
    operation: Operation,
    *,
    on_error: Mapping[str, Any] | None = None,
    masking: Masking | None = None,
    **constraints: Any,
) -> None:
    """Run the operation with the module's arguments, and end the process with the answer.

    on_error: what a HostError returns beside its message, unless the error has details of its own.
    masking: the arguments as they may be shown, if some hold secrets within; Ansible then neither logs nor returns them.
    constraints: those between arguments, such as required_if.
    """
    module = AnsibleModule(
        argument_spec=dict(arguments), supports_check_mode=True, no_log=masking is not None, **constraints
    )
    shown = {} if masking is None else {"invocation": {"module_args": masking(module.params)}}
    try:
        result = operation(module.params, check_mode=module.check_mode)
    except HostError as exc:
        module.fail_json(msg=str(exc), **{**(on_error or {}), **exc.details, **shown})
    for warning in result.warnings:
        module.warn(warning)
    answer = {"changed": result.changed, **result.values, **shown}
    if module._diff and result.diff is not None:
        answer["diff"] = result.diff
    if result.failure is not None:
        module.fail_json(msg=result.failure, **answer)
    module.exit_json(**answer)
