# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of the program. A new command is one entry of the table, and one file.

This module util is private to the collection. A command's code is imported when it is called: one that runs each minute pays for no other.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .settings import Settings

Run = Callable[[argparse.Namespace, Settings], int]


@dataclass(frozen=True)
class ProgramCommand:
    """A command. load: adds its arguments to the parser, and returns what runs it and gives the exit status."""

    summary: str
    load: Callable[[argparse.ArgumentParser], Run]


def _check(parser: argparse.ArgumentParser) -> Run:
    from . import check_command

    check_command.add_arguments(parser)
    return check_command.check


def _drill(parser: argparse.ArgumentParser) -> Run:
    from . import drill_command

    drill_command.add_arguments(parser)
    return drill_command.drill


COMMANDS: Mapping[str, ProgramCommand] = {
    "check": ProgramCommand("check servers: Barman's own checks and those of pgdr.barman", _check),
    "drill": ProgramCommand("prove backups: restore them, check the restored cluster, and remove it", _drill),
}
