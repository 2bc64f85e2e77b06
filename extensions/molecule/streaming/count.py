# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook and count what it runs on each host: python count.py PLAYBOOK INVENTORY... [--check ...]

Prints {"modules": {host: number}, "changed": ["host: task", ...]}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Actions that run on the controller alone.
CONTROLLER_ONLY = frozenset(
    [
        "add_host",
        "assert",
        "confirm",
        "debug",
        "deployment_result",
        "fail",
        "group_by",
        "handover",
        "host_topology",
        "include_role",
        "include_tasks",
        "meta",
        "operation",
        "pause",
        "playbook_arguments",
        "postgres_comparison",
        "require_unchanged",
        "require_unlocked",
        "set_fact",
        "set_stats",
        "ssh_trust_lines",
        "synchronous_receivers",
        "topology",
        "undeclared",
        "validate_argument_spec",
    ]
)
# They look at the file and at its attributes with a module each, and make a directory for the transfer.
THREE_RUNS = frozenset(("copy", "template"))


def runs(result: dict[str, Any]) -> int:
    """How many modules one host ran for one task; each item of a loop counts."""
    action = str(result.get("action", "")).rsplit(".", 1)[-1]
    if action in CONTROLLER_ONLY or result.get("skipped"):
        return 0
    items = result.get("results")
    if isinstance(items, list) and all(isinstance(item, dict) for item in items):
        number = sum(not item.get("skipped") for item in items)
    else:
        number = 1
    return number * (3 if action in THREE_RUNS else 1)


def results(output: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for play in output["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                yield host, task["task"]["name"], result


def failures(stdout: str) -> str:
    """Which task failed on which host, and its message."""
    try:
        output = json.loads(stdout[stdout.index("{") :])
    except ValueError:
        return ""
    return "\n".join(
        f"{host}: {task}: {result.get('msg', result)}"
        for host, task, result in results(output)
        if result.get("failed") or result.get("unreachable")
    )


def main(playbook: str, *arguments: str) -> int:
    inventories = [f"--inventory={item}" for item in arguments if not item.startswith("--")]
    options = [item for item in arguments if item.startswith("--")]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), playbook, *inventories, *options],
        # Other callbacks would write beside it.
        env={name: value for name, value in environment.items() if name != "ANSIBLE_CALLBACKS_ENABLED"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(failures(done.stdout) or done.stdout[-20000:], done.stderr, file=sys.stderr)
        return done.returncode
    output = json.loads(done.stdout[done.stdout.index("{") :])
    modules: Counter[str] = Counter()
    changed = []
    for host, task, result in results(output):
        modules[host] += runs(result)
        if result.get("changed"):
            changed.append(f"{host}: {task}")
    print(
        json.dumps(
            {"modules": {host: number for host, number in sorted(modules.items()) if number}, "changed": changed}
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
