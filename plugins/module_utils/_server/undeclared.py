# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries in Barman's configuration that the inventory of this run does not declare.

This module util is private to the collection. Such an entry is never taken for removed: an inventory source that can't be read, a host that
lost its group, and a job slice of AWX have the same effect as a removed server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any


def is_undeclared(entry: Mapping[str, Any], hosts: Collection[str]) -> bool:
    """Whether an unlisted entry (find_unlisted) is one that nobody decided about.

    An inactive entry was released. An entry of a host that another backup server backs up now is handed over.
    """
    return bool(entry["active"]) and entry["host"] not in hosts


def hint(entry: Mapping[str, Any]) -> str:
    """What is wrong with an undeclared entry, and both ways on."""
    host = entry["host"] or entry["name"]
    return (
        f"Barman has this entry, created for the inventory host {host}, and the inventory of this run does not declare "
        f"it here. Nothing was removed. Either add {host} to the inventory again (its group, and "
        "barman_backup_server): "
        "an unreadable inventory source and AWX's job slicing hide it in the same way. Or end its backups: "
        f"{decommission_command(str(entry['name']))}"
    )


def decommission_command(server: str) -> str:
    """The command that removes what a backup server has of a server. server: Barman's name."""
    return f"ansible-playbook pgdr.barman.decommission -i INVENTORY -e barman_decommission_servers={server}"


def undeclared_of(unlisted: Iterable[Mapping[str, Any]], hosts: Collection[str] | None) -> list[dict[str, str]]:
    """Of unlisted entries those that are undeclared, each with its hint; none if the declared hosts are not known (None)."""
    return [
        {"name": str(entry["name"]), "hint": hint(entry)}
        for entry in unlisted
        if hosts is not None and is_undeclared(entry, hosts)
    ]
