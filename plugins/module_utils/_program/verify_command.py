# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command verify: what is stored is verified from cron, or at a prompt.

This module util is private to the collection.
"""

from __future__ import annotations

import argparse
from typing import Any

from .._stored.facts import stored_summary
from .._stored.request import VERIFICATION_ARGUMENTS
from .._stored.run import verify_stored
from .output import write_json, write_line
from .settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("servers", nargs="*", metavar="SERVER", help="Barman's name of a server; none: all servers")
    parser.add_argument("--everything", action="store_true", help="read every backup and WAL segment now")
    parser.add_argument("--check", action="store_true", help="show what would be read, and read nothing")
    parser.add_argument(
        "--wait", type=int, default=0, metavar="SECONDS", help="wait for the end of another verification"
    )
    parser.add_argument("--quiet", action="store_true", help="print damages only")
    parser.add_argument(
        "--json", action="store_true", help="print the result as the module pgdr.barman.verify_backups returns it"
    )


def verify(options: argparse.Namespace, settings: Settings) -> int:
    """Print the result of each server. 0: nothing is damaged, 1: something is. Raises HostError."""
    result = verify_stored(parameters(options, settings), check_mode=options.check)
    if options.json:
        write_json(result.values)
    else:
        lines = result.values["problems"] if options.quiet else stored_summary(result.values["verifications"])
        for line in lines:
            write_line(line)
    return 0 if result.failure is None else 1


def parameters(options: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """The arguments as those of the module."""
    declared = settings.part("verify")
    return {
        **{name: argument.get("default") for name, argument in VERIFICATION_ARGUMENTS.items()},
        "barman_user": settings.user,
        "config_file": None,
        "servers": options.servers or None,
        "server_days": declared.get("days") or {},
        "bandwidth_limit": declared.get("bandwidth_limit"),
        "everything": options.everything,
        "wait": options.wait,
    }
