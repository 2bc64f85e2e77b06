# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the commands metrics and nagios share: their arguments, the observation, and the limits from the program's settings.

This module util is private to the collection.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .._barman.command import Barman
from .._host.process import HostError, run
from .._monitoring.limits import Limits
from .._monitoring.observation import HostObservation
from .._monitoring.observe import observe_host
from .._postgres.connection import require_psycopg
from .._postgres.questions import AskAll, ask_all
from .settings import Settings


def add_observation_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="Barman's main configuration file, if it is not the usual one")
    parser.add_argument(
        "--timeout",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="how long all PostgreSQL servers together have to answer; the default is 5",
    )


def observe(
    options: argparse.Namespace,
    settings: Settings,
    names: Sequence[str] | None = None,
    *,
    record: bool = False,
    ask: AskAll = ask_all,
) -> HostObservation:
    """One observation. record: whether a sample of the free space is kept. ask: with connections that stay open. Raises HostError."""
    require_psycopg()
    barman = Barman(run, settings.user, options.config)
    return observe_host(barman, ask, names, timeout=options.timeout, record=record)


def limits_of(settings: Settings) -> Limits:
    """Raises HostError."""
    ages = (
        settings.part("monitoring").get("backup_maximum_age", {}),
        settings.part("check").get("drill_maximum_age", {}),
        settings.part("check").get("verification_maximum_age", {}),
    )
    try:
        backup, drill, verification = ({str(name): float(seconds) for name, seconds in found.items()} for found in ages)
    except (AttributeError, TypeError, ValueError) as exc:
        raise HostError(f"the limits in the program's settings can't be read: {exc}") from None
    return Limits(backup, drill, verification)
