# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers a playbook works on, of those that the backup servers of its run have.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from ...module_utils._barman.options import nearest

Entries = Literal["any", "backed_up", "passive"]
_CALLED: Mapping[str, str] = {"any": "server", "backed_up": "server to back up", "passive": "passive server"}

#: What an expression of barman_select can use of a server, and what it means. The documentation has the same table.
ATTRIBUTES: Mapping[str, str] = {
    "name": "The name that Barman gives the server. The result of the expression is a list of these.",
    "host": "The inventory name of the PostgreSQL server.",
    "backup_server": "The inventory name of the backup server that backs it up.",
    "passive_servers": "The inventory names of the backup servers that replicate it, as a list.",
    "zone": "barman_zone of the PostgreSQL server, an empty text without one.",
    "address": "barman_address of the PostgreSQL server.",
    "port": "PostgreSQL's port as the backup server reaches it, a number.",
    "version": "PostgreSQL's major version, a number.",
    "method": "How base backups are taken: postgres, rsync or snapshot.",
    "wal": "How WAL comes to Barman, as a list: streaming, archiving.",
    "incremental": "none, block, link or copy.",
    "synchronous": "Whether commits wait for Barman.",
    "retention_policy": "Barman's retention policy, an empty text without one.",
    "primary": "On a standby the inventory name of its primary, else null.",
    "manage": "Whether Ansible may change PostgreSQL there (barman_manage_postgres).",
}


class SelectionError(ValueError):
    """The selection is empty or names what is not there; one text a problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def select_for_run(
    arguments: Mapping[str, Any],
    topology: Mapping[str, Any],
    requirements: Mapping[str, Mapping[str, Any]],
    *,
    hosts_in_run: Iterable[str],
    entries: Entries,
) -> dict[str, Any]:
    """The servers to work on, by backup server of the run, as action playbook_arguments returns them. Raises SelectionError.

    arguments: barman_servers or barman_select of a playbook, converted. topology, requirements: as module topology returns them.
    """
    declared = {host: required["barman"]["servers"] for host, required in requirements.items() if "barman" in required}
    names, expression = arguments.get("barman_servers"), arguments.get("barman_select")
    chosen = None
    if expression is not None:
        if names is not None:
            raise SelectionError("barman_servers and barman_select are both given. Leave one of them out")
        chosen = choose(expression, topology.get("postgres_servers", {}))
    selected = select(declared, hosts_in_run, names, entries, chosen=chosen)
    return {"selected": selected, "links": links(declared, selected), "concerned": concerned(declared, selected)}


def select(
    declared: Mapping[str, Sequence[Mapping[str, Any]]],
    hosts_in_run: Iterable[str],
    names: Sequence[str] | None,
    entries: Entries,
    *,
    chosen: Sequence[str] | None = None,
) -> dict[str, list[str]]:
    """Barman's names of the selected servers, by backup server of the run. Raises SelectionError if there is none.

    declared: every backup server's entries as the topology has them (name, passive). names: the requested servers, each of which must be
    usable; None for all. entries: those that the playbook can work on. chosen: the result of choose(); of these only the usable ones count.
    """
    in_run = [host for host in declared if host in set(hosts_in_run)]
    if not in_run:
        raise SelectionError(
            "This run has no backup server (the inventory has %s), so there is nothing to do. If --limit was given, "
            "it has to name backup "
            "servers; choose PostgreSQL servers with barman_servers" % (", ".join(declared) or "none")
        )
    if names is not None and not names:
        raise SelectionError("barman_servers is an empty list. Name servers, or leave it out for all of them")
    usable_names = {host: _usable(declared[host], entries) for host in in_run}
    if names is not None:
        problems = [_unknown(name, declared, in_run, entries) for name in names if not _is_in(name, usable_names)]
        if problems:
            raise SelectionError(*problems)
        usable_names = {host: [name for name in usable if name in names] for host, usable in usable_names.items()}
    if not any(usable_names.values()):
        raise SelectionError(_nothing(declared, in_run, entries))
    if chosen is not None:
        usable = sorted({name for names in usable_names.values() for name in names})
        usable_names = {host: [name for name in names if name in chosen] for host, names in usable_names.items()}
        if not any(usable_names.values()):
            raise SelectionError(
                "barman_select chooses {}, and no {} of that name is on {}. Possible names are: {}".format(
                    ", ".join(chosen), _CALLED[entries], ", ".join(in_run), ", ".join(usable)
                )
            )
    return usable_names


def links(
    declared: Mapping[str, Sequence[Mapping[str, Any]]], selected: Mapping[str, Sequence[str]]
) -> dict[str, list[list[str]]]:
    """The selected passive copies by link of their chain, by backup server. All have as many links, at least one.

    A copy of a copy needs the copy: the backup servers do one link together before the next.
    """
    longest = max((item["hops"] for items in declared.values() for item in items), default=0)
    return {
        host: [
            [item["name"] for item in declared[host] if item["hops"] == link and item["name"] in names]
            for link in range(1, max(1, longest) + 1)
        ]
        for host, names in selected.items()
    }


def concerned(
    declared: Mapping[str, Sequence[Mapping[str, Any]]], selected: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Of each backup server with a selection, all of its entries that are selected on any of them: sources and copies alike."""
    names = {name for chosen in selected.values() for name in chosen}
    return {host: [item["name"] for item in declared[host] if item["name"] in names] for host in selected}


def attributes(server: Mapping[str, Any]) -> dict[str, Any]:
    """What barman_select can use of a server of the described topology: the names of ATTRIBUTES with their values."""
    return {name: server[name] for name in ATTRIBUTES}


def choose(expression: str, servers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Barman's names that a JMESPath expression chooses. Raises SelectionError if it chooses none.

    servers: the PostgreSQL servers of the described topology, by inventory name. The expression is evaluated over the list of the
    attributes of all that a backup server backs up.
    """
    items = [attributes(server) for server in servers.values() if server["backup_server"] is not None]
    value = _evaluated(expression, items)
    known = [item["name"] for item in items]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SelectionError(
            f"barman_select: the result of {expression} is not a list of names. End the expression with .name, as in "
            "[?zone=='eu'].name"
        )
    if not value:
        raise SelectionError(
            "barman_select: {} chooses no server. Texts are written in quotes, as in [?zone=='eu'].name; there are "
            "the servers {}, each with {}".format(expression, ", ".join(known) or "none", ", ".join(ATTRIBUTES))
        )
    unknown = sorted({item for item in value if item not in known})
    if unknown:
        raise SelectionError(
            "barman_select: the result of {} has {}, which is not a name of a server. There are: {}".format(
                expression, ", ".join(unknown), ", ".join(known) or "none"
            )
        )
    return sorted(set(value))


def _evaluated(expression: str, items: Sequence[Mapping[str, Any]]) -> Any:
    try:
        import jmespath
    except ImportError:
        raise SelectionError(
            "barman_select needs the Python library jmespath, which the controller's Python does not have. Install "
            "it (pip install "
            "jmespath), or name the servers with barman_servers"
        ) from None
    try:
        # Texts in backticks without quotes are an older form, which many write.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            return jmespath.search(expression, items)
    except (jmespath.exceptions.JMESPathError, TypeError) as error:
        # A comparison of a number with a text is Python's own error.
        reason = str(error).partition("\n")[0].rstrip(": ")
        raise SelectionError(
            f"barman_select: {expression} can't be evaluated. {reason}; correct the expression"
        ) from None


def _usable(items: Sequence[Mapping[str, Any]], entries: Entries) -> list[str]:
    return [item["name"] for item in items if entries == "any" or bool(item["passive"]) == (entries == "passive")]


def _is_in(name: str, usable_names: Mapping[str, Iterable[str]]) -> bool:
    return any(name in names for names in usable_names.values())


def _having(name: str, declared: Mapping[str, Sequence[Mapping[str, Any]]], entries: Entries) -> list[str]:
    return [host for host, items in declared.items() if name in _usable(items, entries)]


def _unknown(
    name: str, declared: Mapping[str, Sequence[Mapping[str, Any]]], in_run: Sequence[str], entries: Entries
) -> str:
    elsewhere = _having(name, declared, entries)
    if elsewhere:
        return "barman_servers names {}, which {} has, and --limit leaves that host out. Add it to --limit".format(
            name,
            " or ".join(elsewhere),
        )
    if _having(name, declared, "any"):
        return "barman_servers names {}, which is not a {} on {}. Leave it out".format(
            name,
            _CALLED[entries],
            ", ".join(_having(name, declared, "any")),
        )
    known = sorted({known for host in in_run for known in _usable(declared[host], entries)})
    like = nearest(name, known)
    return "barman_servers names {}, which no backup server has{} There are: {}".format(
        name,
        f"; did you mean {like}?" if like else ".",
        ", ".join(known) or "none",
    )


def _nothing(declared: Mapping[str, Sequence[Mapping[str, Any]]], in_run: Sequence[str], entries: Entries) -> str:
    others = [host for host, items in declared.items() if host not in in_run and _usable(items, entries)]
    return "There is no {} on {}, so there is nothing to do{}".format(
        _CALLED[entries],
        ", ".join(in_run),
        ". Add {} to --limit".format(" or ".join(others)) if others else "",
    )
