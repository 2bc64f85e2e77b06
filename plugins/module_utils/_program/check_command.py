# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command pgdr-barman check: Barman's checks and this collection's, on the backup server and without Ansible.

This module util is private to the collection.
"""

from __future__ import annotations

import argparse

from .._barman.command import Barman
from .._check.servers import check_servers
from .._host.process import run
from .._postgres.connection import connect, psycopg_is_there
from .._postgres.questions import ask_all
from .output import write_json, write_line
from .settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("servers", nargs="*", metavar="SERVER", help="Barman's name of a server; none: all servers")
    parser.add_argument(
        "--json", action="store_true", help="print the result as the module pgdr.barman.check returns it"
    )


def check(options: argparse.Namespace, settings: Settings) -> int:
    """Print what failed. 0: nothing did, 1: something did. Raises HostError."""
    result = check_servers(
        Barman(run, settings.user),
        options.servers or None,
        [],
        timeout=0,
        connect=connect if psycopg_is_there() else None,
        ask=ask_all if psycopg_is_there() else None,
        synchronous=settings.part("check").get("synchronous", []),
        drill_maximum_age=settings.part("check").get("drill_maximum_age", {}),
        verification_maximum_age=settings.part("check").get("verification_maximum_age", {}),
    )
    if options.json:
        write_json(result)
    else:
        for problem in result["problems"]:
            write_line(problem)
        for name, server in result["servers"].items():
            if server["ok"]:
                write_line(f"server '{name}': OK" if server["active"] else f"server '{name}': OK, and not active")
    return 0 if result["ok"] else 1
