# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How hook scripts went, as run-hook noted it: Barman itself reports a failed one only by a warning in its log.

This module util is private to the collection. Hooks that are run without run-hook are not known here.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .._host.files import read_text
from .._host.progress import process_exists
from .catalog import Backup
from .configuration import ServerConfiguration
from .masking import mask_message
from .option_table import HOOK_RUNNER, HOOKS

_MOST = 3


@dataclass(frozen=True)
class Hook:
    """A hook of a server's entry that run-hook runs. state: the file where it notes how that went."""

    name: str
    runner: str
    state: str


#: As run-hook writes it.
HookStatus = Literal["running", "ok", "failed"]
_STATUSES: Mapping[str, HookStatus] = {"running": "running", "ok": "ok", "failed": "failed"}


@dataclass(frozen=True)
class Run:
    """The last run of a hook. subject: the backup or the WAL segment. failures: what failed and was not made up for."""

    subject: str
    status: HookStatus
    message: str
    pid: int
    failures: Mapping[str, str] = field(default_factory=dict)


def guarded(server: ServerConfiguration) -> list[Hook]:
    """The server's hooks that run-hook runs."""
    found = []
    for name in HOOKS:
        try:
            words = shlex.split(server.get(name) or "")
        except ValueError:
            continue
        if words and os.path.basename(words[0]) == HOOK_RUNNER and "--state" in words[:-1]:
            directory = words[words.index("--state") + 1]
            state = os.path.join(directory, f"{server.name.replace(os.sep, '_')}.{name}.json")
            found.append(Hook(name, words[0], state))
    return found


def last_run(hook: Hook) -> Run | None:
    """None where it has not run yet, or what it wrote can't be understood. Raises HostError."""
    try:
        values: dict[str, Any] = json.loads(read_text(hook.state) or "null")
        return Run(
            subject=str(values["subject"]),
            status=_STATUSES[values["status"]],
            message=mask_message(str(values.get("message", ""))),
            pid=int(values["pid"]),
            failures={str(name): mask_message(str(why)) for name, why in values["failures"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def trouble(
    server: ServerConfiguration, backups: Sequence[Backup], alive: Callable[[int], bool] = process_exists
) -> list[str]:
    """What is wrong with each hook, a sentence each. Raises HostError."""
    newest = max((backup.backup_id for backup in backups if backup.copied), default="")
    found = []
    for hook in guarded(server):
        run = last_run(hook)
        if not os.access(hook.runner, os.F_OK):
            found.append(f"{hook.name}: {hook.runner} does not exist (pgdr.barman.deploy installs it)")
        elif run is not None:
            found += [
                f"{hook.name}: {text}" for text in _of_run(hook, run, newest, passive=server.passive, alive=alive)
            ]
    return found


def _of_run(hook: Hook, run: Run, newest: str, *, passive: bool, alive: Callable[[int], bool]) -> list[str]:
    if run.status == "running" and not alive(run.pid):
        return [f"was interrupted{_for(run.subject)}"]
    if run.failures:
        some = [f"failed{_for(name)}{': ' + why if why else ''}" for name, why in run.failures.items()]
        more = [f"and {len(some) - _MOST} more"] if len(some) > _MOST else []
        return ["; ".join([*some[-_MOST:], *more])]
    # A passive node copies backups, and runs no hooks for them.
    if hook.name.startswith("post_backup_") and run.subject < newest and run.status != "running" and not passive:
        return [f"has not run{_for(newest)}"]
    return []


def _for(subject: str) -> str:
    return f" for {subject}" if subject else ""


def of_backup(server: ServerConfiguration, backup_id: str) -> dict[str, dict[str, Any]]:
    """How the hooks went that belong to the taking of this backup, by name. Raises HostError."""
    found = {}
    for hook in guarded(server):
        if "_backup_" not in hook.name:
            continue
        run = last_run(hook)
        if run is None or run.subject != backup_id:
            found[hook.name] = {"ok": False, "message": "it did not run"}
        else:
            found[hook.name] = {"ok": run.status == "ok", "message": run.message}
    return found


def failure(server: ServerConfiguration, backup_id: str, hooks: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The message if one of them failed."""
    failed = [
        f"{name}: {outcome['message'] or 'no reason is known'}" for name, outcome in hooks.items() if not outcome["ok"]
    ]
    if not failed:
        return None
    return (
        "backup {} of server '{}' was taken and can be recovered from, but some of its hook scripts failed: {}".format(
            backup_id,
            server.name,
            "; ".join(failed),
        )
    )
