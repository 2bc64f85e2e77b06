# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that failed, out of the output of Ansible: its name, where it is, and what each host reported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

HEADER = re.compile(r"(?:TASK|RUNNING HANDLER) \[(?P<task>.*?)\] \*+$")
END_OF_RUN = re.compile(r"PLAY RECAP \*+$")
RESULT = re.compile(r"(?:fatal|failed): \[(?P<host>[^\]]+)\]")
ORIGIN = re.compile(r"Origin: .*?(?P<place>[^/]+/[^/:]+:\d+)")
OF_MOLECULE = re.compile(r"(?:CRITICAL|ERROR) |\[ERROR\]: |\* |ERROR! ")
TASKS = 2
"""Of the tasks that failed in the last run, so many are shown: behind the cause there may be one that cleaned up."""

LINES = 30
"""Lines of a stream of one host, its end."""

WIDTH = 600
"""Characters of a line: of a longer one, the beginning and the end are kept."""


def failed_task(output: str) -> str:
    """What failed in the last run of Ansible in this output. Without a failed task, it is what Molecule reports, or the output's last lines."""
    failures = [lines for lines in _failures(output.splitlines()) if lines][-TASKS:]
    lines = [line for failure in failures for line in failure] or _without_task(output.splitlines())
    return "\n".join(shorten(line) for line in lines)


def _without_task(lines: list[str]) -> list[str]:
    reported = [line for line in lines if OF_MOLECULE.match(line)]
    return [
        "no task failed:",
        *(f"    {line}" for line in (reported or [line for line in lines if line.strip()])[-10:]),
    ]


def _failures(lines: list[str]) -> Iterator[list[str]]:
    """Of each task that failed in the last run that had one, what is shown."""
    runs: list[list[list[str]]] = [[]]
    task: list[str] = []
    for line in [*lines, "PLAY RECAP *"]:
        if HEADER.match(line) or END_OF_RUN.match(line):
            if failure := _failure(task):
                runs[-1].append(failure)
            task = [line]
            if END_OF_RUN.match(line):
                runs.append([])
        else:
            task.append(line)
    yield from next((run for run in reversed(runs) if run), [])


def _failure(task: list[str]) -> list[str]:
    """What is shown of a task; nothing, if it did not fail or its failure was ignored."""
    header = HEADER.match(task[0]) if task else None
    if header is None or "...ignoring" in task:
        return []
    results = [index for index, line in enumerate(task) if RESULT.match(line)]
    if not results:
        return []
    places = [found.group("place") for line in task if (found := ORIGIN.match(line))]
    shown = [f"failed task: {header.group('task')}{f' ({places[-1]})' if places else ''}"]
    for index in results:
        shown += [f"    {line}" for line in _reported(task[index:])]
    return shown


def _reported(lines: list[str]) -> list[str]:
    """What one host reported: the message, and the ends of the streams."""
    host = RESULT.match(lines[0])
    assert host is not None
    result = _result(lines)
    if result is None:
        return [lines[0]]
    message = str(result.get("msg", "no message")).splitlines() or ["no message"]
    shown = [f"{host.group('host')}: {message[0]}", *(f"    {line}" for line in message[1:][-LINES:])]
    for stream in ("stdout", "stderr", "module_stdout", "module_stderr", "exception"):
        text = str(result.get(stream) or "").strip().splitlines()[-LINES:]
        if text and text != ["(traceback unavailable)"]:
            shown += [f"    {stream}:", *(f"        {line}" for line in text)]
    return shown


def _result(lines: list[str]) -> dict[str, Any] | None:
    """The result that follows the arrow, on one line or on several; None if it can't be read."""
    _host, arrow, begin = lines[0].partition("=> ")
    if not arrow or not begin.startswith("{"):
        return None
    try:
        result, _end = json.JSONDecoder().raw_decode("\n".join([begin, *lines[1:]]))
    except ValueError:
        return None
    return dict(result)


def shorten(line: str) -> str:
    """A line of at most WIDTH characters."""
    if len(line) <= WIDTH:
        return line
    half = (WIDTH - 3) // 2
    return f"{line[:half]} … {line[-half:]}"
