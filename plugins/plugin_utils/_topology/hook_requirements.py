# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup server must have for its hooks, and the texts of their scripts and credentials.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ...module_utils._barman.option_table import HOOK_RUNNER
from .hooks import CREDENTIALS_DIRECTORY, EXPORT, EXPORTS, Declared, profile, script_name
from .requirement_types import HookCredentials, HookRequirements, HookScript

#: The scripts that come with role hooks, as file names below its directory "files".
READY_FILES: Mapping[str, str] = {HOOK_RUNNER: "run_hook.py", EXPORT: "export.py"}
# What runs them is a matter of the host, so the files themselves do not name it.
_INTERPRETER = "#!/usr/bin/python3\n"


def hook_requirements(declared: Iterable[tuple[str, Declared]], directory: str, home: str) -> HookRequirements:
    """What the backup server must have for the hooks of these inventory hosts."""
    scripts: list[HookScript] = []
    credentials: list[HookCredentials] = []
    used: set[str] = set()
    for host, item in declared:
        for hook in item.hooks.values():
            used.add(hook.value if hook.kind == "ready" and hook.value in EXPORTS else "")
            name = script_name(item.scope, hook)
            if hook.kind == "source":
                scripts.append({"name": name, "host": host, "source": hook.value})
            elif hook.kind == "content":
                scripts.append({"name": name, "host": host, "content": hook.value})
        if item.has_access_key and any(hook.is_ready("s3") for hook in item.hooks.values()):
            credentials.append({"profile": profile(item.scope), "host": host})
    hooks: HookRequirements = {
        "directory": directory,
        "needed": bool(used),
        "ready": sorted(used - {""}),
        "sources": [],
        "scripts": scripts,
        "credentials_directory": f"{home}/{CREDENTIALS_DIRECTORY}",
        "credentials": credentials,
    }
    return {**hooks, "sources": _sources(hooks)}


def _ready_names(hooks: HookRequirements) -> list[str]:
    """The names under which a backup server gets the scripts that come with the role."""
    return [*([HOOK_RUNNER] if hooks["needed"] else []), *([EXPORT] if hooks["ready"] else [])]


def _given(hooks: HookRequirements) -> list[HookScript]:
    """The scripts that the inventory gives as files of the controller."""
    return [script for script in hooks["scripts"] if "source" in script]


def _sources(hooks: HookRequirements) -> list[str]:
    """The files of the controller with the texts of the scripts: those of the role by their names, the others by their paths."""
    return [
        *(READY_FILES[name] for name in _ready_names(hooks)),
        *(str(script["source"]) for script in _given(hooks)),
    ]


def script_texts(hooks: HookRequirements, texts: Sequence[str]) -> dict[str, str]:
    """The text of each script, by the name of its file. texts: the contents of hooks["sources"], in that order. Raises ValueError if one is missing."""
    ready, given = _ready_names(hooks), _given(hooks)
    if len(texts) != len(ready) + len(given):
        raise ValueError(f"there are {len(texts)} texts for {len(ready) + len(given)} files")
    of_role, of_inventory = texts[: len(ready)], texts[len(ready) :]
    return {
        **{name: _INTERPRETER + text for name, text in zip(ready, of_role, strict=True)},
        **{str(script["name"]): text for script, text in zip(given, of_inventory, strict=True)},
        **{str(script["name"]): str(script["content"]) for script in hooks["scripts"] if "content" in script},
    }


def credential_texts(credentials: Iterable[HookCredentials], secret: Callable[[str, str], str]) -> dict[str, str]:
    """The text of each credentials file, by its profile: a file for each, so that removing one changes no other.

    secret: returns the value of a variable, by host and variable.
    """
    return {
        one["profile"]: (
            f"[{one['profile']}]\n"
            f"aws_access_key_id = {secret(one['host'], 'barman_s3_access_key')}\n"
            f"aws_secret_access_key = {secret(one['host'], 'barman_s3_secret_key')}\n"
        )
        for one in credentials
    }
