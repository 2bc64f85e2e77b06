# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup hosts after a deployment, without machines: their files by the code that deploys, and facts by the code that observes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._adoption.observe import SystemFiles, observe
from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.command import (
    ArchiveTarget,
    archive_command,
    marked,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.questions import Answer, Question
from ansible_collections.pgdr.barman.plugins.module_utils._server import schedule_file
from ansible_collections.pgdr.barman.plugins.module_utils._server.entries import (
    CurrentConfiguration,
    DesiredConfiguration,
    DesiredEntry,
)
from ansible_collections.pgdr.barman.plugins.module_utils._server.plan import plan
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import Outcome


def facts_after(outcome: Outcome, place: Path) -> dict[str, Any]:
    """What the module existing_barman returns of each backup server. place: an empty directory for the files."""
    found = {}
    for host, required in outcome.requirements.items():
        if "barman" not in required:
            continue
        barman = required["barman"]
        files = place / host
        directory = files / "barman.d"
        directory.mkdir(parents=True)
        current = CurrentConfiguration(str(files / "barman.conf"), str(directory))
        entries = [DesiredEntry(one["name"], one["options"], host=one["host"]) for one in barman["servers"]]
        section = {**barman["global_options"], "configuration_files_directory": str(directory)}
        planned = plan(current, DesiredConfiguration(entries, section))
        assert planned.problems == []
        for change in planned.changes:
            Path(change.path).write_text(change.after or "")
        (files / "cron").write_text("\n".join(schedule_file.block_of(barman["schedule_lines"])) + "\n")

        facts = observe(
            str(files / "barman.conf"),
            "barman",
            ask=partial(answers, outcome, host),
            timeout=1,
            files=SystemFiles([str(files / "cron")], [str(files / "*.timer")]),
        )
        facts["global_options"]["configuration_files_directory"] = barman["configuration_directory"]
        for schedule in facts["schedules"]:
            # The block is in a file of its own path here.
            schedule["ours"] = True
        found[host] = {"version": None, **facts}
    return found


def answers(
    outcome: Outcome, backup: str, questions: Mapping[str, Question], user: str | None, timeout: float
) -> dict[str, Answer]:
    """The answers of all servers of that backup server."""
    return {name: answer(outcome, backup, name) for name in questions}


def answer(outcome: Outcome, backup: str, name: str) -> dict[str, Any]:
    """PostgreSQL's answer about the server of that name after the deployment."""
    entry = next(one for one in outcome.requirements[backup]["barman"]["servers"] if one["name"] == name)
    server = outcome.topology["postgres_servers"][entry["host"]]
    source = server["primary"] or entry["host"]
    postgres = outcome.requirements[source]["postgres"]
    assert postgres is not None
    archiving = postgres["archiving"]
    command = ""
    if archiving:
        command = marked(
            archive_command(
                ArchiveTarget(
                    archiving["server"],
                    archiving["address"],
                    archiving["port"],
                    archiving["user"],
                    archiving["method"],
                    archiving["compression"],
                    archiving["incoming_directory"],
                )
            )
        )
    timeout = archiving["timeout"] if archiving else None
    return {
        "version": server["version"] * 10000 + 3,
        "in_recovery": bool(server["primary"]),
        "client_address": None,
        "archive_mode": "on" if archiving else "off",
        "archive_command": command,
        "archive_timeout": str(timeout or 0),
        "synchronous_standby_names": ", ".join(f'"{one["name"]}"' for one in postgres["synchronous"]),
        "privileged_roles": None,
        "slot_active": True,
        "inactive_slots": None,
    }
