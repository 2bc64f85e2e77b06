# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of a backup server: what it backs up and replicates, and where it keeps that.

Each rule yields what is wrong, and warnings as text. Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._barman import options as barman_options
from ...module_utils._barman.versions import NEWEST, format_version, nameless_source, passive_boundary
from . import directory_rules
from .entries import (
    directories,
    entry_options,
    passive_options,
)
from .model import BackupServer, PassiveCopy, Problem
from .rule import Facts, Findings, is_loopback, unknown_host


def passive_of(facts: Facts, backup: BackupServer) -> Findings:
    if backup.passive_of is None:
        return
    if backup.passive_of == backup.host:
        yield Problem(backup.host, "barman_passive_of", "names the backup server itself", "name another, or remove it")
        return
    if backup.passive_of not in facts.backups:
        yield from unknown_host(backup.host, "barman_passive_of", backup.passive_of, facts.backups, "backup server")
        return
    chain = [backup.host]
    while True:
        following = facts.backups[chain[-1]].passive_of
        if following is None or following not in facts.backups or following in chain[1:]:
            return
        chain.append(following)
        if following == backup.host:
            break
    # Each circle is reported once, for its first host by name.
    if backup.host == min(chain):
        yield Problem(
            backup.host,
            "barman_passive_of",
            f"is circular: {' -> '.join(chain)}",
            "break it; for two zones that replicate each other set barman_passive_servers on the PostgreSQL servers",
        )


def notifications(_facts: Facts, backup: BackupServer) -> Findings:
    notifies = "notify" in backup.variables["barman_monitoring"]
    has_channel = bool(backup.variables["barman_notify_mail"]) or backup.has_webhook
    if notifies and not has_channel:
        yield Problem(
            backup.host,
            "barman_monitoring",
            "has notify, and nobody would get a message",
            "set barman_notify_mail or barman_notify_webhook_url",
        )
    if notifies:
        return
    if has_channel:
        variable = "barman_notify_mail" if backup.variables["barman_notify_mail"] else "barman_notify_webhook_url"
        yield Problem(
            backup.host,
            variable,
            "is set, and barman_monitoring does not have notify",
            "add notify to barman_monitoring",
        )
    for name, hook in sorted(backup.hooks.items()):
        if hook.is_ready("notify"):
            yield Problem(
                backup.host,
                f"barman_hooks.{name}",
                "reports by notify, and barman_monitoring does not have notify",
                "add notify to barman_monitoring",
            )


def own_directories(_facts: Facts, backup: BackupServer) -> Findings:
    for variable, path, example in (
        ("barman_home", backup.home, "/var/lib/barman or /srv/barman"),
        ("barman_configuration_directory", backup.configuration_directory, "/etc/barman.d"),
        ("barman_hook_directory", backup.hook_directory, "/usr/local/lib/pgdr.barman"),
    ):
        reason = directory_rules.unfit(path, data=variable == "barman_home")
        if reason:
            yield Problem(backup.host, variable, reason, f"write a directory of Barman's own, such as {example}")
    log_file = backup.global_options.get("log_file")
    # The directory of another user's log is made that user's; of the package's own nothing is changed.
    if log_file and backup.user != "barman":
        reason = directory_rules.unfit(posixpath.dirname(str(log_file)), data=False)
        if reason:
            yield Problem(
                backup.host,
                "barman_global_options.log_file",
                f"has a directory that {reason}",
                f"write a file in a directory of Barman's own, such as /var/log/{backup.user}/barman.log",
            )


def allow_empty(facts: Facts, backup: BackupServer) -> Findings:
    if backup.allow_empty or facts.index.backed_up.get(backup.host) or facts.index.copies_on.get(backup.host):
        return
    # A name that leads nowhere may be meant for this host; a passive node is as empty as its source.
    if facts.has_loose_ends or backup.passive_of is not None:
        return
    yield Problem(
        backup.host,
        "barman_allow_empty",
        "no PostgreSQL server is backed up or replicated here",
        "name this host in a server's barman_backup_server, or write true if that is meant",
    )


def entries_together(facts: Facts, backup: BackupServer) -> Findings:
    entries: list[tuple[str, str, str | None, Mapping[str, Any]]] = [
        (server.name, server.host, None, entry_options(facts.topology, server, backup))
        for server in facts.index.backed_up.get(backup.host, ())
    ]
    for passive_copy in facts.index.copies_on.get(backup.host, ()):
        server = facts.pg[passive_copy.server]
        entries.append((server.name, server.host, passive_copy.source, passive_options(facts.topology, passive_copy)))
    yield from same_names(backup, entries)
    yield from same_directories(backup, entries)


def same_names(backup: BackupServer, entries: Iterable[tuple[str, str, str | None, Mapping[str, Any]]]) -> Findings:
    first: dict[str, tuple[str, str | None]] = {}
    for name, host, source, _options in entries:
        if name not in first:
            first[name] = (host, source)
            continue
        other, other_source = first[name]
        if other == host:
            yield Problem(
                host,
                "barman_passive_servers",
                f"{backup.host} would replicate it from {other_source} and from {source}",
                "keep one of the two ways (barman_passive_servers here, barman_passive_of there)",
            )
            continue
        origin = f", replicated from {source}," if source else ""
        yield Problem(
            host,
            "barman_server_name",
            f"is {name}{origin} as that of {other}, and both are on {backup.host}",
            "give one of them another name",
        )


def same_directories(
    backup: BackupServer, entries: Iterable[tuple[str, str, str | None, Mapping[str, Any]]]
) -> Findings:
    taken: dict[str, tuple[int, str, str]] = {}
    for number, (name, host, _source, options) in enumerate(entries):
        paths = directories(name, options, backup)
        found: dict[str, str] = {}
        # The one that was written is to blame, not the one that follows from a default.
        for label in sorted(paths, key=lambda label: (label in options, label)):
            path = paths[label]
            if "://" in path:
                continue
            reason = directory_rules.unfit(path) if label in options else None
            if reason:
                yield Problem(host, f"barman_options.{label}", reason, "write a directory of Barman's own")
                continue
            if path not in taken:
                taken[path] = (number, name, label)
                continue
            other_number, other_name, other_label = taken[path]
            if other_name == name and other_number != number:
                continue  # the same name is the mistake, and is reported already
            found[label] = f"is {path}, as {other_label} of {other_name} on {backup.host}"
        if "backup_directory" in found:
            found = {label: text for label, text in found.items() if label in (*options, "backup_directory")}
        for label, message in found.items():
            yield Problem(host, f"barman_options.{label}", message, "write another directory")


def passive_copies(facts: Facts, passive_copy: PassiveCopy) -> Findings:
    server = facts.pg[passive_copy.server]
    source, target = facts.backups[passive_copy.source], facts.backups[passive_copy.target]
    if server.method == "snapshot":
        variable = "barman_passive_servers" if passive_copy.level == "server" else "barman_backup_method"
        yield Problem(
            server.host,
            variable,
            f"its backups are snapshots, which {passive_copy.target} would replicate from {passive_copy.source}, and Barman can only replicate files",
            "have the provider copy the snapshots, and "
            + (
                "remove it"
                if passive_copy.level == "server"
                else f"set barman_passive_servers on the other servers instead of barman_passive_of on {passive_copy.target}"
            ),
        )
    if source.zone and source.zone == target.zone:
        yield (
            f"{target.host} replicates from {source.host} in the same zone, {source.zone}: what destroys the zone destroys "
            "both copies."
        )
    if source.version is not None and nameless_source(source.version):
        yield (
            f"{source.host} has Barman {format_version(source.version)}, from which {target.host} replicates: before 3.17 Barman fails on the passive "
            "node if a backup is obsolete by the retention policy there. Use 3.17 or newer."
        )
    if source.version is not None and target.version is not None:
        boundary = passive_boundary(source.version, target.version)
        why = ""
        if boundary is not None:
            why = f"since {format_version(boundary)} Barman describes a backup with more data, and an older Barman refuses to replicate it"
        if why:
            yield Problem(
                target.host,
                "barman_version",
                f"is {format_version(target.version)} and that of {source.host} {format_version(source.version)}: {why}",
                "use the same version on both, or the newer one here",
            )
        for problem in barman_options.validate(
            passive_options(facts.topology, passive_copy), min(target.version, NEWEST)
        ):
            yield Problem(
                target.host,
                "barman_version",
                f"replicating {server.name}: {problem.option} {problem.message}",
                problem.instead,
            )
    if is_loopback(source.address) and source.address != target.address:
        yield Problem(
            source.host,
            "barman_address",
            f"is {source.address}, which {target.host} resolves to itself",
            f"write the address where {target.host} reaches it",
        )
