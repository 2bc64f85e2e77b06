# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action


class ActionModule(Action):
    """Compares on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "before": {"type": "dict", "required": True},
        "after": {"type": "dict", "required": True},
        "names": {"type": "list", "elements": "str", "required": True},
        "remedy": {"type": "str", "default": ""},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        differences = compare(arguments["before"], arguments["after"], arguments["names"])
        if differences:
            text = "; ".join(f"{name} was {_text(old)} and is {_text(new)}" for name, (old, new) in differences.items())
            message = f"Nothing was done: what was confirmed has changed: {text}. {arguments['remedy']}".rstrip()
            raise AnsibleActionFail(message, result={"changed_names": list(differences)})
        return {}


def compare(before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """The values that differ, old and new, by their names."""
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
