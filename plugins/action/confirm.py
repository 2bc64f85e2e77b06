# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError, AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.utils.display import Display

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils.controller import has_nobody_to_ask


class ActionModule(Action):
    """Asks on the terminal of ansible-playbook, for a limited time."""

    ARGUMENTS = {
        "prompt": {"type": "str", "required": True},
        "timeout": {"type": "int", "default": 300},
        "remedy": {"type": "str", "default": ""},
        "answer": {"type": "str", "default": "yes"},
        "confirmed": {"type": "bool", "default": False},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        seconds = arguments["timeout"]
        if seconds < 1:
            raise AnsibleActionFail(f"timeout: {seconds} is not a positive number of seconds")
        if arguments["confirmed"]:
            problem = ""
        elif has_nobody_to_ask(variables):
            problem = "it is not confirmed, and a job of AWX or ansible-runner has nobody to ask"
        else:
            problem = _ask(arguments["prompt"], seconds, arguments["answer"])
        if problem:
            raise AnsibleActionFail(f"Nothing was done: {problem}. {arguments['remedy']}".rstrip())
        return {"confirmed": True, "time": time.time()}


def _ask(prompt: str, seconds: int, expected: str) -> str:
    """Why it is not confirmed; empty if somebody confirmed it."""
    started = time.monotonic()
    try:
        answer = Display().prompt_until(f"{prompt} (within {seconds} s):", seconds=seconds)
    except AnsiblePromptNoninteractive:
        return "it is not confirmed, and there is no terminal to ask on"
    except AnsiblePromptInterrupt:
        return "the question was interrupted"
    except AnsibleError as error:
        # Ansible reports what its process met: that the terminal belongs to another session, for example.
        return f"it is not confirmed, and Ansible can't ask on its terminal ({error}), as after su -c without --pty"
    if time.monotonic() - started >= seconds:
        return f"nobody answered within {seconds} s"
    text = answer.decode(errors="replace").strip()
    return "" if text.lower() == expected.lower() else f"the answer was '{text}', not {expected}"
