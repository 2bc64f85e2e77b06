# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command drill: restore drills from cron, or at a prompt.

This module util is private to the collection.
"""

from __future__ import annotations

import argparse
from typing import Any

from .._drill.arguments import DRILL_ARGUMENTS
from .._drill.facts import summary
from .._drill.run import drill as run_drill
from .output import write_json, write_line
from .settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("servers", nargs="*", metavar="SERVER", help="Barman's name of a server; none: all servers")
    parser.add_argument("--backup", default="newest", help="newest, oldest, random, or the id of a backup")
    parser.add_argument("--check", action="store_true", help="show the backup and its size, and restore nothing")
    parser.add_argument("--wait", type=int, default=0, metavar="SECONDS", help="wait for the end of another drill")
    parser.add_argument(
        "--quiet", action="store_true", help="print failures, and what killed drills left on drill hosts"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result as the module pgdr.barman.drill returns it"
    )


def drill(options: argparse.Namespace, settings: Settings) -> int:
    """Print the result of each server. 0: all passed, 1: a drill failed. Raises HostError."""
    result = run_drill(parameters(options, settings), check_mode=options.check)
    if options.json:
        write_json(result.values)
    else:
        problems = result.values["problems"]
        lines = [] if options.quiet else summary(result.values["drills"])
        for line in [*lines, *(one for one in problems if one not in lines), *result.warnings]:
            write_line(line)
    return 0 if result.failure is None else 1


def parameters(options: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """The arguments as those of the module. Only queries of the chosen servers are among them."""
    declared = settings.part("drill")
    queries = declared.get("queries") or {}
    chosen = options.servers or list(queries)
    return {
        **{name: argument.get("default") for name, argument in DRILL_ARGUMENTS.items()},
        "barman_user": settings.user,
        "config_file": None,
        "servers": options.servers or None,
        "backup": options.backup,
        "database_users": declared.get("database_users") or {},
        "directory": declared.get("directory"),
        "queries": [query for name in chosen for query in queries.get(name, [])],
        "wait": options.wait,
    }
