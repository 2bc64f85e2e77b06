# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program pgdr-barman: what runs on a backup server on a schedule, or at a prompt, without Ansible.

This module util is private to the collection.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Mapping, Sequence

from .._host.process import HostError, lookup_user
from .._server.program_files import NAME, SETTINGS
from .commands import COMMANDS, ProgramCommand
from .output import write_error
from .settings import Settings, read_settings

#: sysexits(3) has none that people know; argparse ends with 2, too.
NOT_DONE = 2


def main(arguments: Sequence[str], commands: Mapping[str, ProgramCommand] | None = None, path: str = SETTINGS) -> int:
    """Run one command; its exit status, or 2 with the reason on stderr. commands: others than the program's own, in tests."""
    commands = COMMANDS if commands is None else commands
    lines = "".join(f"  {name:<10} {command.summary}\n" for name, command in commands.items())
    outer = argparse.ArgumentParser(
        prog=NAME,
        description="Disaster recovery of PostgreSQL with Barman, on the backup server.",
        epilog=f"commands:\n{lines}\n{NAME} COMMAND --help shows its arguments.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    outer.add_argument("command", choices=list(commands), metavar="COMMAND")
    outer.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    chosen = outer.parse_args(arguments)
    command = commands[chosen.command]
    parser = argparse.ArgumentParser(prog=f"{NAME} {chosen.command}", description=command.summary)
    run = command.load(parser)
    try:
        options = parser.parse_args(chosen.arguments)
    except SystemExit as exc:
        if exc.code and command.report is not None:
            return command.report("the arguments are not valid: " + " ".join(chosen.arguments))
        raise
    try:
        settings = read_settings(path)
        _require_user(settings)
        return run(options, settings)
    except HostError as exc:
        if command.report is not None:
            return command.report(str(exc))
        write_error(f"{NAME} {chosen.command}: {exc}")
        return NOT_DONE
    except Exception as exc:
        if command.report is None:
            raise
        traceback.print_exc(file=sys.stderr)
        # Its text can contain what Nagios must not show, such as a connection string.
        return command.report(
            f"{NAME} failed unexpectedly ({type(exc).__name__}): run it at a prompt, which shows where"
        )


def _require_user(settings: Settings) -> None:
    if os.geteuid() not in (0, lookup_user(settings.user).pw_uid):
        raise HostError(f"run it as root or as '{settings.user}': sudo -u {settings.user} {NAME} ...")
