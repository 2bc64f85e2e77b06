# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command pgdr-barman follow: Barman follows the primaries of clusters.

This module util is private to the collection.
"""

from __future__ import annotations

import argparse

from .._barman.command import Barman
from .._barman.configuration import read
from .._follow.run import FollowTools
from .._follow.run import follow as follow_clusters
from .._host.lock import Held, exclusive
from .._host.process import HostError, run
from .._postgres.connection import connect, require_psycopg
from .._postgres.questions import ask_all
from .output import write_line_now
from .settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("servers", nargs="*", metavar="SERVER", help="Barman's name of a cluster; none: all clusters")
    parser.add_argument(
        "--seconds", type=float, default=0.0, metavar="SECONDS", help="go on for so long; the default is one round"
    )


def follow(options: argparse.Namespace, settings: Settings) -> int:
    """Print what changed. 0: all clusters are followed, or another process does it; 1: one is not. Raises HostError."""
    require_psycopg()
    managed = settings.part("follow").get("managed_slots", {})
    if not isinstance(managed, dict):
        raise HostError(
            "the clusters in the program's settings can't be read. Run the playbook pgdr.barman.deploy again"
        )
    barman = Barman(run, settings.user)
    home = read(barman.config_file, barman.user).home
    try:
        with exclusive(home, "following clusters", settings.user):
            healthy = follow_clusters(
                FollowTools(barman, ask_all, connect, write_line_now), managed, options.servers or None, options.seconds
            )
    except Held:
        return 0
    return 0 if healthy else 1
