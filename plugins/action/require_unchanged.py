# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Compares on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "before": {"type": "dict", "required": True},
                "after": {"type": "dict", "required": True},
                "names": {"type": "list", "elements": "str", "required": True},
                "remedy": {"type": "str", "default": ""},
            }
        )
        differences = compare(arguments["before"], arguments["after"], arguments["names"])
        if differences:
            result["changed_names"] = list(differences)
            text = "; ".join(f"{name} was {_text(old)} and is {_text(new)}" for name, (old, new) in differences.items())
            message = f"Nothing was done: what was confirmed has changed: {text}. {arguments['remedy']}".rstrip()
            raise AnsibleActionFail(message, result=result)
        result.update(changed=False)
        return result


def compare(before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """The values that differ, old and new, by their names."""
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
