# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command pgdr-barman nagios: a plugin for Nagios, Icinga and NRPE.

This module util is private to the collection.
"""

from __future__ import annotations

import argparse

from .._host.child import text_as
from .._monitoring.nagios import RpoThresholds, nagios_answer, unknown
from .observing import add_observation_arguments, limits_of, observe
from .output import write_line
from .settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("servers", nargs="*", metavar="SERVER", help="Barman's name of a server; none: all servers")
    parser.add_argument("--rpo-warning", type=float, metavar="SECONDS", help="warn if more would be lost")
    parser.add_argument("--rpo-critical", type=float, metavar="SECONDS", help="the same, as critical")
    add_observation_arguments(parser)


def nagios(options: argparse.Namespace, settings: Settings) -> int:
    """Print the answer: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Raises HostError."""
    limits = limits_of(settings)
    thresholds = RpoThresholds(options.rpo_warning, options.rpo_critical)

    def work() -> str:
        answer = nagios_answer(observe(options, settings, options.servers or None), limits, thresholds)
        return f"{answer.state.value}{answer.text}"

    text = text_as(settings.user, work)
    write_line(text[1:])
    return int(text[0])


def report_unknown(reason: str) -> int:
    """Nagios reads standard output alone, and has a status of its own for what could not be observed."""
    answer = unknown(reason)
    write_line(answer.text)
    return answer.state.value
