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
    """A command. load: adds its arguments to the parser, and returns what runs it and gives the exit status.

    report: prints why the command could not do its work, and returns the exit status; None for the program's usual way.
    """

    summary: str
    load: Callable[[argparse.ArgumentParser], Run]
    report: Callable[[str], int] | None = None


def _check(parser: argparse.ArgumentParser) -> Run:
    from . import check_command

    check_command.add_arguments(parser)
    return check_command.check


def _drill(parser: argparse.ArgumentParser) -> Run:
    from . import drill_command

    drill_command.add_arguments(parser)
    return drill_command.drill


def _follow(parser: argparse.ArgumentParser) -> Run:
    from . import follow_command

    follow_command.add_arguments(parser)
    return follow_command.follow


def _metrics(parser: argparse.ArgumentParser) -> Run:
    from . import metrics_command

    metrics_command.add_arguments(parser)
    return metrics_command.metrics


def _nagios(parser: argparse.ArgumentParser) -> Run:
    from . import nagios_command

    nagios_command.add_arguments(parser)
    return nagios_command.nagios


def _notify(parser: argparse.ArgumentParser) -> Run:
    from . import notify_command

    notify_command.add_arguments(parser)
    return notify_command.notify


def _verify(parser: argparse.ArgumentParser) -> Run:
    from . import verify_command

    verify_command.add_arguments(parser)
    return verify_command.verify


def _report_unknown(reason: str) -> int:
    from .nagios_command import report_unknown

    return report_unknown(reason)


COMMANDS: Mapping[str, ProgramCommand] = {
    "check": ProgramCommand("check servers: Barman's own checks and those of pgdr.barman", _check),
    "drill": ProgramCommand("prove backups: restore them, check the restored cluster, and remove it", _drill),
    "follow": ProgramCommand(
        "follow the primaries of clusters: receive WAL from the member that is the primary", _follow
    ),
    "metrics": ProgramCommand("write metrics for the textfile collector of Prometheus's node exporter", _metrics),
    "nagios": ProgramCommand("check servers as a plugin of Nagios, with performance data", _nagios, _report_unknown),
    "notify": ProgramCommand("report new and ended faults by mail or webhook, in one message", _notify),
    "verify": ProgramCommand("verify stored backups and archived WAL where they lie, a part at each run", _verify),
}
