# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What contradicts itself between variables, hosts and Barman's own rules: every mistake its own message.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._archive_command import command as archive_command
from ...module_utils._barman import option_combinations, option_table
from ...module_utils._barman import options as barman_options
from ...module_utils._barman.versions import META_LAYOUT, NEWEST, format_version, passive_boundary
from ...module_utils._postgres.standby_names import OUR_NAME
from . import directory_rules, hooks, retention, schedule
from .model import BackupServer, Index, PostgresServer, Problem, Relay, Topology
from .parse import is_ip
from .requirements import (
    IDENTITY_GLOBAL_OPTIONS,
    IDENTITY_OPTIONS,
    derived_options,
    directories,
    entry_options,
    global_options,
    receiver_name,
    relay_options,
)

#: The variable that a derived option comes from, where it is not the connection's.
_DERIVED_FROM: Mapping[str, str] = {
    **IDENTITY_OPTIONS,
    "minimum_redundancy": "barman_minimum_redundancy",
    "path_prefix": "barman_client_directory",
    "retention_policy": "barman_retention_policy",
}


# WAL from elsewhere than the backup.
_STANDBY_SINCE = (3, 10)
_STANDBY_OPTIONS = ("wal_conninfo", "wal_streaming_conninfo")


class Verdict(NamedTuple):
    """All problems and warnings, sorted."""

    problems: list[Problem]
    warnings: list[str]


def validate(topology: Topology) -> Verdict:
    """Everything that is wrong with the topology as a whole."""
    judge = _Judge(topology)
    judge.run()
    return Verdict(sorted(set(judge.problems)), sorted(set(judge.warnings)))


class _Judge:
    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.index: Index = topology.index()
        self.pg = topology.postgres_servers
        self.backups = topology.backup_servers
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.global_complaints: set[tuple[str, str]] = set()
        self.has_loose_ends = any(
            (server.backup_server is None and server.host not in self.index.standbys)
            or any(name not in self.backups for name in (server.backup_server, *server.passive_servers) if name)
            for server in self.pg.values()
        )

    def report(self, host: str, variable: str, message: str, instead: str) -> None:
        self.problems.append(Problem(host, variable, message, instead))

    def run(self) -> None:
        for server in self.pg.values():
            self.references(server)
            self.methods(server)
            self.tls(server)
            self.reachability(server)
            self.entry(server)
            self.hook_scripts(server)
            self.sources_of_wal(server)
        self.service_users()
        for backup in self.backups.values():
            self.passive_of(backup)
            self.own_directories(backup)
            self.globals(backup)
            self.own_hooks(backup.host, backup.declared_hooks, backup.global_options, "barman_global_options")
            self.emptiness(backup)
            self.entries_together(backup)
        for relay in self.topology.relays:
            self.relay(relay)
        self.slots()

    # --- names of hosts -----------------------------------------------------------------------------------------------

    def references(self, server: PostgresServer) -> None:
        if server.backup_server is not None and server.backup_server not in self.backups:
            self.unknown_host(server.host, "barman_backup_server", server.backup_server, self.backups, "backup server")
        if server.backup_server is None and server.passive_servers:
            self.report(
                server.host,
                "barman_passive_servers",
                "relays a server that no backup server keeps",
                "set barman_backup_server too",
            )
        for target in server.passive_servers:
            if target == server.backup_server:
                self.report(
                    server.host,
                    "barman_passive_servers",
                    f"names {target}, which keeps the server itself",
                    "name another backup server, or remove it",
                )
            elif target not in self.backups:
                self.unknown_host(server.host, "barman_passive_servers", target, self.backups, "backup server")
        self.same_machine(server)
        if server.primary is not None:
            self.primary(server, server.primary)

    def same_machine(self, server: PostgresServer) -> None:
        backup = self.backups.get(server.backup_server or "")
        if backup is not None and backup.host == server.host:
            self.warnings.append(
                f"{server.host}: the backup server is the PostgreSQL server's own machine; what destroys one destroys "
                "both."
            )
        elif backup is not None and _one_machine(server, backup):
            self.warnings.append(
                f"{server.host}: its backup server {backup.host} is the same machine ({backup.reached_at}); what destroys "
                "one destroys both."
            )
        elif server.host in self.backups:
            self.warnings.append(
                f"{server.host}: is a PostgreSQL server and a backup server; backups that fill its disk stop PostgreSQL, "
                "unless they have a file system of their own."
            )

    def primary(self, server: PostgresServer, name: str) -> None:
        primary = self.pg.get(name)
        if name == server.host:
            self.report(server.host, "barman_primary", "names the server itself", "name its primary, or remove it")
        elif primary is None:
            self.unknown_host(server.host, "barman_primary", name, self.pg, "PostgreSQL server")
        elif primary.primary is not None:
            self.report(
                server.host,
                "barman_primary",
                f"names {name}, which is a standby itself",
                f"name the primary, {primary.primary}",
            )
        else:
            for variable, own, other in (
                ("barman_postgres_user", server.user, primary.user),
                ("barman_streaming_user", server.streaming_user, primary.streaming_user),
            ):
                if own != other:
                    self.report(
                        server.host,
                        variable,
                        f"is {own}, and the roles of a standby are those of its primary, where it is {other}",
                        f"write {other}, or remove it",
                    )
            if server.version and primary.version and server.version != primary.version:
                self.report(
                    server.host,
                    "barman_postgres_version",
                    f"is {server.version}, and the primary {name} has {primary.version}",
                    f"write {primary.version}",
                )

    def unknown_host(self, host: str, variable: str, name: str, known: Iterable[str], what: str) -> None:
        hosts = sorted(known)
        like = barman_options.nearest(name, hosts)
        if like is not None:
            instead = f"did you mean {like}?"
        elif hosts:
            instead = f"write one of {', '.join(hosts[:5])}{', …' if len(hosts) > 5 else ''}"
        else:
            instead = "put it into the inventory"
        self.report(host, variable, f"names {name}, which is no {what} of the inventory", instead)

    # --- methods ------------------------------------------------------------------------------------------------------

    def methods(self, server: PostgresServer) -> None:
        host = server.host
        if server.incremental == "block":
            if server.method != "postgres":
                self.report(
                    host,
                    "barman_incremental",
                    f"block needs the postgres method, and this is {server.method}",
                    "write link or copy" if server.method == "rsync" else "write none",
                )
            elif server.version and server.version < 17:
                self.report(
                    host,
                    "barman_incremental",
                    f"block needs PostgreSQL 17 or later, and this is {server.version}",
                    "write none",
                )
            else:
                self.block_increments(server)
        if server.incremental in ("link", "copy") and server.method != "rsync":
            self.report(
                host,
                "barman_incremental",
                f"{server.incremental} needs the rsync method, and this is {server.method}",
                "write block (PostgreSQL 17 or later) or none" if server.method == "postgres" else "write none",
            )
        if (
            server.incremental != "block"
            and "barman_incremental_schedule" in server.given
            and server.incremental_schedule
        ):
            self.report(
                host,
                "barman_incremental_schedule",
                "has no effect without block-level increments",
                "write barman_incremental: block, or remove it",
            )
        self.archive_compression(server)
        if server.ssh_public_key and server.manage:
            self.report(
                host,
                "barman_ssh_public_key",
                "has no effect where Ansible manages the server, for the key is made and read there",
                "remove it, or write barman_manage_postgres: false",
            )
        if server.ssh_host_key and server.manage:
            self.report(
                host,
                "barman_ssh_host_key",
                "has no effect where Ansible manages the server, for the host tells its keys itself",
                "remove it, or write barman_manage_postgres: false",
            )
        if server.synchronous and not server.streams:
            self.report(
                host,
                "barman_synchronous",
                "needs WAL streaming, and barman_wal has archiving only",
                "add streaming to barman_wal",
            )

    def archive_compression(self, server: PostgresServer) -> None:
        if server.archive_method == "rsync":
            if server.archive_compression not in archive_command.RSYNC_COMPRESSIONS:
                self.report(
                    server.host,
                    "barman_archive_compression",
                    f"{server.archive_compression} is none that rsync has",
                    f"write one of {', '.join(archive_command.RSYNC_COMPRESSIONS)}, or barman_archive_method: barman-wal-archive",
                )
            return
        backup = self.backups.get(server.backup_server or "")
        if server.archive_compression == "none" or not server.archives or backup is None or backup.version is None:
            return
        if backup.version < archive_command.COMPRESSION_SINCE:
            self.report(
                server.host,
                "barman_archive_compression",
                f"{server.archive_compression} needs Barman {format_version(archive_command.COMPRESSION_SINCE)}, and {backup.host} has "
                f"{format_version(backup.version)}",
                "write none, or use a newer Barman",
            )

    def block_increments(self, server: PostgresServer) -> None:
        backup = self.backups.get(server.backup_server or "")
        if backup is None or backup.version is None:
            return
        if backup.version < (3, 11, 0):
            self.report(
                server.host,
                "barman_incremental",
                f"block needs Barman 3.11, and {backup.host} has {format_version(backup.version)}",
                "write none, or use a newer Barman",
            )
        elif backup.version < (3, 15, 0) and {**backup.global_options, **server.options}.get("backup_compression"):
            here = "backup_compression" in server.options
            self.report(
                server.host if here else backup.host,
                "barman_options.backup_compression" if here else "barman_global_options.backup_compression",
                f"with block increments needs Barman 3.15, and {backup.host} has {format_version(backup.version)}",
                "remove it, or use a newer Barman",
            )

    def tls(self, server: PostgresServer) -> None:
        if server.sslmode in ("verify-ca", "verify-full") and not server.sslrootcert:
            self.report(
                server.host,
                "barman_sslmode",
                f"{server.sslmode} needs a CA's certificate to verify with",
                "set barman_sslrootcert",
            )
        if bool(server.sslcert) != bool(server.sslkey):
            missing, present = (
                ("barman_sslkey", "barman_sslcert") if server.sslcert else ("barman_sslcert", "barman_sslkey")
            )
            self.report(server.host, missing, f"is missing, and {present} is set", "set both, or neither")
        if server.sslcert and server.sslmode == "disable":
            self.report(
                server.host,
                "barman_sslmode",
                "is disable, and a client certificate needs TLS",
                "write require, or remove barman_sslcert",
            )
        by_certificate = server.sslcert and not (server.has_password or server.has_streaming_password)
        if by_certificate and server.manage and server.needs_replication and server.user != server.streaming_user:
            # PostgreSQL's method cert compares the certificate's common name with the role's.
            self.report(
                server.host,
                "barman_sslcert",
                f"is of one role, and without passwords it would be of two: {server.user} and {server.streaming_user}",
                f"write barman_streaming_user: {server.user} and have that as the certificate's common name, or set "
                "barman_streaming_password",
            )

    def reachability(self, server: PostgresServer) -> None:
        backup = self.backups.get(server.backup_server or "")
        if backup is None or backup.host == server.host or backup.address == server.address:
            return
        if _is_loopback(server.postgres_host):
            variable = "barman_postgres_host" if "barman_postgres_host" in server.given else "barman_address"
            self.report(
                server.host,
                variable,
                f"is {server.postgres_host}, which {backup.host} takes for itself",
                f"write the address where {backup.host} reaches this server",
            )
        elif server.postgres_host.startswith("/"):
            self.report(
                server.host,
                "barman_postgres_host",
                f"is a socket's directory, and {backup.host} is another machine",
                "write an address",
            )
        elif server.postgres_host == server.host and not is_ip(server.host):
            self.warnings.append(
                f"{server.host}: neither barman_address nor ansible_host is set; {backup.host} must be able to resolve "
                "the inventory name."
            )
        if all(_is_loopback(source.split("/")[0]) for source in backup.addresses):
            self.report(
                backup.host,
                "barman_address",
                f"is {backup.address}, which the other hosts take for themselves",
                "write the address from which its connections come",
            )
        elif backup.addresses == (backup.host,) and not is_ip(backup.host):
            self.warnings.append(
                f"{backup.host}: neither barman_address nor ansible_host is set; PostgreSQL servers must be able to "
                "resolve the inventory name, in both directions."
            )

    # --- options ------------------------------------------------------------------------------------------------------

    def entry(self, server: PostgresServer) -> None:
        backup = self.backups.get(server.backup_server or "")
        if backup is None:
            return
        derived = derived_options(self.topology, server, backup)
        own = {name: value for name, value in server.options.items() if name not in IDENTITY_OPTIONS}
        options = {**derived, **own}
        version = min(backup.version or NEWEST, NEWEST)
        for name in sorted(server.options):
            if name in IDENTITY_OPTIONS:
                self.identity_option(server, name, derived.get(name))
        if server.primary in self.pg and server.streams and version < _STANDBY_SINCE:
            self.report(
                server.host,
                "barman_primary",
                f"its WAL is streamed from {server.primary}, for which Barman {format_version(_STANDBY_SINCE)} is needed, "
                f"and {backup.host} has {format_version(version)}",
                f"use Barman {format_version(_STANDBY_SINCE)} or later, or write barman_wal: [archiving]",
            )
            options = {name: value for name, value in options.items() if name not in _STANDBY_OPTIONS}
        for problem in barman_options.validate(options, version):
            self.option_problem(server, backup, problem)
        for problem in barman_options.deprecated(server.options, version):
            self.warnings.append(
                f"{server.host}: barman_options.{problem.option} {problem.message}; {problem.instead}."
            )
        together = {**backup.global_options, **options}
        for problem in option_combinations.combination(together, version, server.version or None):
            if problem.option in derived and problem.option in IDENTITY_OPTIONS:
                continue  # said of the variable already
            self.option_problem(server, backup, problem)
        for problem in option_combinations.without_effect(server.options, together):
            self.option_problem(server, backup, problem)
        for name in ("retention_policy", "minimum_redundancy"):
            if name in server.options and f"barman_{name}" in server.given:
                self.report(
                    server.host, f"barman_options.{name}", f"is set, and barman_{name} is too", "remove one of the two"
                )
        self.redundancy(server, options)
        found = retention.judge(server, together)
        self.warnings += found.warnings
        for problem in found.problems:
            self.option_problem(server, backup, problem)

    def identity_option(self, server: PostgresServer, name: str, derived: Any) -> None:
        given = server.options[name]
        if derived is not None and _same(name, given, derived):
            return
        self.report(
            server.host,
            f"barman_options.{name}",
            f"contradicts what follows from {IDENTITY_OPTIONS[name]}",
            f"remove it, and set {IDENTITY_OPTIONS[name]}",
        )

    def option_problem(self, server: PostgresServer, backup: BackupServer, problem: barman_options.Problem) -> None:
        name = problem.option
        if name in server.options:
            self.report(server.host, f"barman_options.{name}", problem.message, problem.instead)
        elif name in backup.global_options:
            if name == "parallel_jobs" or (backup.host, name) in self.global_complaints:
                return
            self.global_complaints.add((backup.host, name))
            self.report(
                backup.host,
                f"barman_global_options.{name}",
                f"{problem.message} (server {server.name})",
                problem.instead,
            )
        elif name in _DERIVED_FROM:
            self.report(server.host, _DERIVED_FROM[name], f"Barman's {name} {problem.message}", problem.instead)
        else:
            self.report(server.host, f"barman_options.{name}", problem.message, problem.instead)

    def redundancy(self, server: PostgresServer, options: Mapping[str, Any]) -> None:
        policy = barman_options.parse_retention(str(options.get("retention_policy") or ""))
        minimum_text = str(options.get("minimum_redundancy"))
        if policy is None or not minimum_text.isdecimal():
            return
        minimum = int(minimum_text)
        minimum_variable = _where(server, "minimum_redundancy")
        policy_variable = _where(server, "retention_policy")
        if policy.redundancy is not None:
            if policy.redundancy == 0:
                self.report(server.host, policy_variable, "would keep no backup at all", "write REDUNDANCY 1 or more")
            elif policy.redundancy < minimum:
                self.report(
                    server.host,
                    minimum_variable,
                    f"is {minimum}, so the retention policy of {policy.redundancy} is never reached",
                    f"write {policy.redundancy} or less, or REDUNDANCY {minimum}",
                )
        elif policy.days is not None:
            if policy.days == 0:
                self.report(server.host, policy_variable, "is a window of no time", "write 1 DAYS or more")
                return
            text = server.backup_schedule
            within = schedule.redundancy_within(schedule.parse_cron(text), policy.days) if text else None
            if within is not None and minimum > within:
                self.report(
                    server.host,
                    minimum_variable,
                    f"is {minimum}, and the window of {policy.days} days holds {within} backups by the schedule: older "
                    "ones are kept for ever, and the window means nothing",
                    f"write {within} or less, a longer window, or a schedule with more backups",
                )

    def own_directories(self, backup: BackupServer) -> None:
        for variable, path, example in (
            ("barman_home", backup.home, "/var/lib/barman or /srv/barman"),
            ("barman_configuration_directory", backup.configuration_directory, "/etc/barman.d"),
            ("barman_hook_directory", backup.hook_directory, "/usr/local/lib/pgdr.barman"),
        ):
            reason = directory_rules.unfit(path, data=variable == "barman_home")
            if reason:
                self.report(backup.host, variable, reason, f"write a directory of Barman's own, such as {example}")
        log_file = backup.global_options.get("log_file")
        # The directory of another user's log is made that user's; of the package's own nothing is changed.
        if log_file and backup.user != "barman":
            reason = directory_rules.unfit(posixpath.dirname(str(log_file)), data=False)
            if reason:
                self.report(
                    backup.host,
                    "barman_global_options.log_file",
                    f"has a directory that {reason}",
                    f"write a file in a directory of Barman's own, such as /var/log/{backup.user}/barman.log",
                )

    def service_users(self) -> None:
        """Neither Barman nor PostgreSQL runs as root, and SSH would let the other host in as root."""
        for backup in self.backups.values():
            if backup.user == "root":
                self.report(backup.host, "barman_user", "is root", "write a user of Barman's own, such as barman")
        for server in self.pg.values():
            if server.os_user == "root":
                self.report(
                    server.host, "barman_postgres_os_user", "is root", "write PostgreSQL's user, such as postgres"
                )

    def globals(self, backup: BackupServer) -> None:
        version = min(backup.version or NEWEST, NEWEST)
        if backup.version is not None and backup.version > NEWEST:
            self.warnings.append(
                f"{backup.host}: Barman {format_version(backup.version)} is newer than {format_version(NEWEST)}, the "
                "newest that is known here; its options are checked as that one's."
            )
        base = global_options(BackupServer(**{**_fields(backup), "global_options": {}}))
        for name, value in sorted(backup.global_options.items()):
            if name in IDENTITY_GLOBAL_OPTIONS:
                if not _same(name, value, base[name]):
                    variable = IDENTITY_GLOBAL_OPTIONS[name]
                    self.report(
                        backup.host,
                        f"barman_global_options.{name}",
                        f"contradicts {variable}",
                        f"remove it, and set {variable}",
                    )
            elif name in IDENTITY_OPTIONS and name not in ("reuse_backup",) and option_table.OPTIONS[name].in_global:
                self.report(
                    backup.host,
                    f"barman_global_options.{name}",
                    "is decided for each server",
                    f"remove it, and set {IDENTITY_OPTIONS[name]} on the servers",
                )
        for problem in barman_options.deprecated(backup.global_options, version, option_table.GLOBAL):
            self.warnings.append(
                f"{backup.host}: barman_global_options.{problem.option} {problem.message}; {problem.instead}."
            )
        for problem in barman_options.validate(backup.global_options, version, option_table.GLOBAL):
            self.report(backup.host, f"barman_global_options.{problem.option}", problem.message, problem.instead)

    def hook_scripts(self, server: PostgresServer) -> None:
        """What a server that nobody keeps inherits of hooks has no effect, and may be meant for others."""
        backup = self.backups.get(server.backup_server or "")
        if backup is None:
            return
        self.own_hooks(server.host, server.declared_hooks, server.options, "barman_options")
        all_hooks = {**backup.hooks, **server.hooks}
        options = {**backup.global_options, **server.options}
        for variable, message, instead in hooks.misfits(all_hooks, server.hooks, server.method, options):
            self.report(server.host, variable, message, instead)

    def own_hooks(self, host: str, declared: hooks.Declared, options: Mapping[str, Any], variable: str) -> None:
        for where, message, instead in hooks.conflicts(declared, options, variable):
            self.report(host, where, message, instead)
        for where, message in hooks.unguarded(options, variable):
            self.warnings.append(f"{host}: {where} {message}.")

    # --- backup servers -----------------------------------------------------------------------------------------------

    def passive_of(self, backup: BackupServer) -> None:
        if backup.passive_of is None:
            return
        if backup.passive_of == backup.host:
            self.report(
                backup.host, "barman_passive_of", "names the backup server itself", "name another, or remove it"
            )
            return
        if backup.passive_of not in self.backups:
            self.unknown_host(backup.host, "barman_passive_of", backup.passive_of, self.backups, "backup server")
            return
        chain = [backup.host]
        while True:
            following = self.backups[chain[-1]].passive_of
            if following is None or following not in self.backups or following in chain[1:]:
                return
            chain.append(following)
            if following == backup.host:
                break
        # Each circle is told once, of its first host by name.
        if backup.host == min(chain):
            self.report(
                backup.host,
                "barman_passive_of",
                f"goes round in a circle: {' -> '.join(chain)}",
                "break it; for two sites that relay each other set barman_passive_servers on the PostgreSQL servers",
            )

    def emptiness(self, backup: BackupServer) -> None:
        if backup.allow_empty or self.index.kept.get(backup.host) or self.index.relayed.get(backup.host):
            return
        # A name that leads nowhere may be meant for this host; one that relays another is as empty as that one.
        if self.has_loose_ends or backup.passive_of is not None:
            return
        self.report(
            backup.host,
            "barman_allow_empty",
            "no PostgreSQL server is kept or relayed here",
            "name this host in a server's barman_backup_server, or write true if that is meant",
        )

    def entries_together(self, backup: BackupServer) -> None:
        entries: list[tuple[str, str, str | None, Mapping[str, Any]]] = [
            (server.name, server.host, None, entry_options(self.topology, server, backup))
            for server in self.index.kept.get(backup.host, ())
        ]
        for relay in self.index.relayed.get(backup.host, ()):
            server = self.pg[relay.server]
            entries.append((server.name, server.host, relay.source, relay_options(self.topology, relay)))
        self.same_names(backup, entries)
        self.same_directories(backup, entries)

    def same_names(
        self, backup: BackupServer, entries: Iterable[tuple[str, str, str | None, Mapping[str, Any]]]
    ) -> None:
        first: dict[str, tuple[str, str | None]] = {}
        for name, host, source, _options in entries:
            if name not in first:
                first[name] = (host, source)
                continue
            other, other_source = first[name]
            if other == host:
                self.report(
                    host,
                    "barman_passive_servers",
                    f"{backup.host} would relay it from {other_source} and from {source}",
                    "keep one of the two ways (barman_passive_servers here, barman_passive_of there)",
                )
                continue
            way = f", relayed from {source}," if source else ""
            self.report(
                host,
                "barman_server_name",
                f"is {name}{way} as that of {other}, and both are on {backup.host}",
                "give one of them another name",
            )

    def same_directories(
        self, backup: BackupServer, entries: Iterable[tuple[str, str, str | None, Mapping[str, Any]]]
    ) -> None:
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
                    self.report(host, f"barman_options.{label}", reason, "write a directory of Barman's own")
                    continue
                if path not in taken:
                    taken[path] = (number, name, label)
                    continue
                other_number, other_name, other_label = taken[path]
                if other_name == name and other_number != number:
                    continue  # the same name is the mistake, and is said
                found[label] = f"is {path}, as {other_label} of {other_name} on {backup.host}"
            if "backup_directory" in found:
                found = {label: text for label, text in found.items() if label in (*options, "backup_directory")}
            for label, message in found.items():
                self.report(host, f"barman_options.{label}", message, "write another directory")

    def relay(self, relay: Relay) -> None:
        server = self.pg[relay.server]
        source, target = self.backups[relay.source], self.backups[relay.target]
        if server.method == "snapshot":
            variable = "barman_passive_servers" if relay.level == "server" else "barman_backup_method"
            self.report(
                server.host,
                variable,
                f"its backups are snapshots, which {relay.target} would relay from {relay.source}, and Barman can relay files only",
                "have the provider copy the snapshots, and "
                + (
                    "remove it"
                    if relay.level == "server"
                    else f"set barman_passive_servers on the other servers instead of barman_passive_of on {relay.target}"
                ),
            )
        if source.zone and source.zone == target.zone:
            self.warnings.append(
                f"{target.host} relays from {source.host} in the same zone, {source.zone}: what destroys the zone destroys "
                "both copies."
            )
        if source.version is not None and target.version is not None:
            boundary = passive_boundary(source.version, target.version)
            why = ""
            if boundary is not None:
                why = f"since {format_version(boundary)} Barman tells more of a backup, and an older one refuses to relay it"
            elif source.version >= META_LAYOUT > target.version:
                why = f"since {format_version(META_LAYOUT)} Barman describes backups in meta/, and nobody has seen an older one relay such"
            if why:
                self.report(
                    target.host,
                    "barman_version",
                    f"is {format_version(target.version)} and that of {source.host} {format_version(source.version)}: {why}",
                    "use the same version on both, or the newer one here",
                )
            for problem in barman_options.validate(relay_options(self.topology, relay), min(target.version, NEWEST)):
                self.report(
                    target.host,
                    "barman_version",
                    f"relaying {server.name}: {problem.option} {problem.message}",
                    problem.instead,
                )
        if _is_loopback(source.address) and source.address != target.address:
            self.report(
                source.host,
                "barman_address",
                f"is {source.address}, which {target.host} takes for itself",
                f"write the address where {target.host} reaches it",
            )

    # --- where WAL comes from -----------------------------------------------------------------------------------------

    def sources_of_wal(self, server: PostgresServer) -> None:
        """archive_command has one destination, and a server one list of synchronous receivers."""
        standbys = self.index.standbys.get(server.host, [])
        clients = ([server] if server.backup_server is not None else []) + list(standbys)
        from_here = [client for client in clients if (client.primary or client.host) == server.host]
        archiving = [client for client in from_here if client.archives]
        for client in archiving[1:]:
            self.report(
                client.host,
                "barman_wal",
                f"archiving would come from {server.host}, which archives for {archiving[0].host} already",
                "write [streaming]",
            )
        receivers = [client for client in from_here if client.streams]
        for number, client in enumerate(receivers):
            name = receiver_name(client)
            if client.synchronous and not OUR_NAME.fullmatch(name):
                self.report(
                    client.host,
                    "barman_options.streaming_archiver_name",
                    f"is {name}, and the collection would not know its own name again in synchronous_standby_names",
                    "write a name that begins with barman and has letters, digits and underscores only",
                )
            # PostgreSQL compares them so.
            same = [other for other in receivers[:number] if receiver_name(other).lower() == name.lower()]
            if same and (client.synchronous or same[0].synchronous):
                self.report(
                    client.host,
                    "barman_synchronous" if client.synchronous else "barman_options.streaming_archiver_name",
                    f"has the same receiver name as {same[0].host}, so {server.host} cannot tell them apart",
                    "set barman_options.streaming_archiver_name to another name",
                )

    def slots(self) -> None:
        holders: dict[tuple[str, int, str], PostgresServer] = {}
        for server in self.pg.values():
            if not server.streams or server.backup_server is None:
                continue
            source = self.pg.get(server.primary, server) if server.primary else server
            key = (source.postgres_host, source.port, server.slot_name)
            other = holders.setdefault(key, server)
            if other is server:
                continue
            if server.primary or other.primary:
                instead = "set barman_slot_name to another name"
            else:
                instead = "set barman_postgres_port if they are two instances, else barman_slot_name to another name"
            self.report(
                server.host,
                "barman_slot_name",
                f"is {server.slot_name} on {source.postgres_host}:{source.port}, where {other.host} has that slot",
                instead,
            )


def _fields(backup: BackupServer) -> dict[str, Any]:
    return {name: getattr(backup, name) for name in backup.__dataclass_fields__}


def _where(server: PostgresServer, option: str) -> str:
    return f"barman_options.{option}" if option in server.options else f"barman_{option}"


def _same(name: str, one: Any, other: Any) -> bool:
    if isinstance(other, bool):
        return barman_options.parse_bool(one) == other
    return str(one) == str(other)


def _one_machine(server: PostgresServer, backup: BackupServer) -> bool:
    """Whether Ansible reaches both at the same place, or both have the same address. Behind one address, ports tell machines apart."""
    if server.manage and server.reached_at == backup.reached_at:
        return True
    return server.address == backup.address and server.ssh_port == backup.ssh_port


def _is_loopback(host: str) -> bool:
    if host.rstrip(".") in ("localhost", "localhost.localdomain"):
        return True
    return is_ip(host) and ipaddress.ip_address(host).is_loopback
