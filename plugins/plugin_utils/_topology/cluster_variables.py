# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory's variables of clusters, as part of the table in variables.py.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from .kinds import PG, SERVER_NAME, Variable, one_of
from .model import CLUSTER_MANAGERS

CLUSTER_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "barman_cluster",
        PG,
        SERVER_NAME,
        None,
        "The name of the cluster whose member this server is: its primary and standbys are one server in Barman, which follows the primary. See "
        "architectures/clusters.md.",
        default="no cluster",
    ),
    Variable(
        "barman_cluster_manager",
        PG,
        one_of(CLUSTER_MANAGERS),
        "none",
        "With barman_cluster: what promotes a member and owns its configuration. none: streaming replication, and a person who promotes.",
    ),
)
