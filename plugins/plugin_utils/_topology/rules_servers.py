# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of a PostgreSQL server by itself and against its backup server and its primary.

Each rule yields what is wrong, and warnings as text. Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from ...module_utils._archive_command import command as archive_command
from ...module_utils._barman.versions import format_version
from ...module_utils._postgres.standby_names import OUR_NAME
from .entries import (
    receiver_name,
)
from .model import BackupServer, PostgresServer, Problem
from .parse import is_ip
from .rule import Facts, Findings, is_loopback, unknown_host


def named_hosts(facts: Facts, server: PostgresServer) -> Findings:
    if server.backup_server is not None and server.backup_server not in facts.backups:
        yield from unknown_host(
            server.host, "barman_backup_server", server.backup_server, facts.backups, "backup server"
        )
    if server.backup_server is None and server.passive_servers:
        yield Problem(
            server.host,
            "barman_passive_servers",
            "replicates a server that no backup server backs up",
            "set barman_backup_server too",
        )
    for target in server.passive_servers:
        if target == server.backup_server:
            yield Problem(
                server.host,
                "barman_passive_servers",
                f"names {target}, which backs up the server itself",
                "name another backup server, or remove it",
            )
        elif target not in facts.backups:
            yield from unknown_host(server.host, "barman_passive_servers", target, facts.backups, "backup server")
    yield from same_machine(facts, server)
    if server.primary is not None:
        yield from standby_of_primary(facts, server, server.primary)


def same_machine(facts: Facts, server: PostgresServer) -> Findings:
    backup = facts.backups.get(server.backup_server or "")
    if backup is not None and backup.host == server.host:
        yield (
            f"{server.host}: the backup server is the PostgreSQL server's own machine; what destroys one destroys both."
        )
    elif backup is not None and _one_machine(server, backup):
        yield (
            f"{server.host}: its backup server {backup.host} is the same machine ({backup.reached_at}); what destroys "
            "one destroys both."
        )
    elif server.host in facts.backups:
        yield (
            f"{server.host}: is a PostgreSQL server and a backup server; backups that fill its disk stop PostgreSQL, "
            "unless they have a file system of their own."
        )


def standby_of_primary(facts: Facts, server: PostgresServer, name: str) -> Findings:
    primary = facts.pg.get(name)
    if name == server.host:
        yield Problem(server.host, "barman_primary", "names the server itself", "name its primary, or remove it")
    elif primary is None:
        yield from unknown_host(server.host, "barman_primary", name, facts.pg, "PostgreSQL server")
    elif primary.primary is not None:
        yield Problem(
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
                yield Problem(
                    server.host,
                    variable,
                    f"is {own}, and the roles of a standby are those of its primary, which has {other}",
                    f"write {other}, or remove it",
                )
        if server.version and primary.version and server.version != primary.version:
            yield Problem(
                server.host,
                "barman_postgres_version",
                f"is {server.version}, and the primary {name} has {primary.version}",
                f"write {primary.version}",
            )


def backup_and_wal_methods(facts: Facts, server: PostgresServer) -> Findings:
    host = server.host
    if server.incremental == "block":
        if server.method != "postgres":
            yield Problem(
                host,
                "barman_incremental",
                f"block needs the postgres method, and this is {server.method}",
                "write link or copy" if server.method == "rsync" else "write none",
            )
        elif server.version and server.version < 17:
            yield Problem(
                host,
                "barman_incremental",
                f"block needs PostgreSQL 17 or later, and this is {server.version}",
                "write none",
            )
        else:
            yield from block_increments(facts, server)
    if server.incremental in ("link", "copy") and server.method != "rsync":
        yield Problem(
            host,
            "barman_incremental",
            f"{server.incremental} needs the rsync method, and this is {server.method}",
            "write block (PostgreSQL 17 or later) or none" if server.method == "postgres" else "write none",
        )
    if server.incremental != "block" and "barman_incremental_schedule" in server.given and server.incremental_schedule:
        yield Problem(
            host,
            "barman_incremental_schedule",
            "has no effect without block-level increments",
            "write barman_incremental: block, or remove it",
        )
    yield from archive_compression(facts, server)
    if server.ssh_public_key and server.manage:
        yield Problem(
            host,
            "barman_ssh_public_key",
            "has no effect if Ansible manages the server, for the key is made and read there",
            "remove it, or write barman_manage_postgres: false",
        )
    if server.ssh_host_key and server.manage:
        yield Problem(
            host,
            "barman_ssh_host_key",
            "has no effect if Ansible manages the server, because Ansible reads the keys of the host",
            "remove it, or write barman_manage_postgres: false",
        )
    if server.synchronous and not server.streams:
        yield Problem(
            host,
            "barman_synchronous",
            "needs WAL streaming, and barman_wal has archiving only",
            "add streaming to barman_wal",
        )


def archive_compression(facts: Facts, server: PostgresServer) -> Findings:
    if server.archive_method == "rsync":
        if server.archive_compression not in archive_command.RSYNC_COMPRESSIONS:
            yield Problem(
                server.host,
                "barman_archive_compression",
                f"{server.archive_compression} is not supported by rsync",
                f"write one of {', '.join(archive_command.RSYNC_COMPRESSIONS)}, or barman_archive_method: barman-wal-archive",
            )
        return
    backup = facts.backups.get(server.backup_server or "")
    if server.archive_compression == "none" or not server.archives or backup is None or backup.version is None:
        return
    if backup.version < archive_command.COMPRESSION_SINCE:
        yield Problem(
            server.host,
            "barman_archive_compression",
            f"{server.archive_compression} needs Barman {format_version(archive_command.COMPRESSION_SINCE)}, and {backup.host} has "
            f"{format_version(backup.version)}",
            "write none, or use a newer Barman",
        )


def block_increments(facts: Facts, server: PostgresServer) -> Findings:
    backup = facts.backups.get(server.backup_server or "")
    if backup is None or backup.version is None:
        return
    if backup.version < (3, 11, 0):
        yield Problem(
            server.host,
            "barman_incremental",
            f"block needs Barman 3.11, and {backup.host} has {format_version(backup.version)}",
            "write none, or use a newer Barman",
        )
    elif backup.version < (3, 15, 0) and {**backup.global_options, **server.options}.get("backup_compression"):
        here = "backup_compression" in server.options
        yield Problem(
            server.host if here else backup.host,
            "barman_options.backup_compression" if here else "barman_global_options.backup_compression",
            f"with block increments needs Barman 3.15, and {backup.host} has {format_version(backup.version)}",
            "remove it, or use a newer Barman",
        )


def tls_settings(_facts: Facts, server: PostgresServer) -> Findings:
    if server.sslmode in ("verify-ca", "verify-full") and not server.sslrootcert:
        yield Problem(
            server.host,
            "barman_sslmode",
            f"{server.sslmode} needs a CA's certificate to verify with",
            "set barman_sslrootcert",
        )
    if bool(server.sslcert) != bool(server.sslkey):
        missing, present = (
            ("barman_sslkey", "barman_sslcert") if server.sslcert else ("barman_sslcert", "barman_sslkey")
        )
        yield Problem(server.host, missing, f"is missing, and {present} is set", "set both, or neither")
    if server.sslcert and server.sslmode == "disable":
        yield Problem(
            server.host,
            "barman_sslmode",
            "is disable, and a client certificate needs TLS",
            "write require, or remove barman_sslcert",
        )
    by_certificate = server.sslcert and not (server.has_password or server.has_streaming_password)
    if by_certificate and server.manage and server.needs_replication and server.user != server.streaming_user:
        # PostgreSQL's method cert compares the certificate's common name with the role's.
        yield Problem(
            server.host,
            "barman_sslcert",
            f"is of one role, and without passwords it would be of two: {server.user} and {server.streaming_user}",
            f"write barman_streaming_user: {server.user} and have that as the certificate's common name, or set "
            "barman_streaming_password",
        )


def reachability(facts: Facts, server: PostgresServer) -> Findings:
    backup = facts.backup_of(server)
    if backup is None or backup.host == server.host or backup.address == server.address:
        return
    if is_loopback(server.postgres_host):
        variable = "barman_postgres_host" if "barman_postgres_host" in server.given else "barman_address"
        yield Problem(
            server.host,
            variable,
            f"is {server.postgres_host}, which {backup.host} resolves to itself",
            f"write the address where {backup.host} reaches this server",
        )
    elif server.postgres_host.startswith("/"):
        yield Problem(
            server.host,
            "barman_postgres_host",
            f"is a socket's directory, and {backup.host} is another machine",
            "write an address",
        )
    elif server.postgres_host == server.host and not is_ip(server.host):
        yield (
            f"{server.host}: neither barman_address nor ansible_host is set; {backup.host} must be able to resolve "
            "the inventory name."
        )
    if all(is_loopback(source.split("/")[0]) for source in backup.addresses):
        yield Problem(
            backup.host,
            "barman_address",
            f"is {backup.address}, which the other hosts resolve to themselves",
            "write the address from which its connections come",
        )
    elif backup.addresses == (backup.host,) and not is_ip(backup.host):
        yield (
            f"{backup.host}: neither barman_address nor ansible_host is set; PostgreSQL servers must be able to "
            "resolve the inventory name, in both directions."
        )


def service_users(facts: Facts) -> Findings:
    """Neither Barman nor PostgreSQL runs as root, and SSH trust would authorize the other host as root."""
    for backup in facts.backups.values():
        if backup.user == "root":
            yield Problem(backup.host, "barman_user", "is root", "write a user of Barman's own, such as barman")
    for server in facts.pg.values():
        if server.os_user == "root":
            yield Problem(
                server.host, "barman_postgres_os_user", "is root", "write PostgreSQL's user, such as postgres"
            )


def sources_of_wal(facts: Facts, server: PostgresServer) -> Findings:
    """archive_command has one destination, and a server one list of synchronous receivers."""
    standbys = facts.index.standbys.get(server.host, [])
    clients = ([server] if server.backup_server is not None else []) + list(standbys)
    from_here = [client for client in clients if (client.primary or client.host) == server.host]
    archiving = [client for client in from_here if client.archives]
    for client in archiving[1:]:
        yield Problem(
            client.host,
            "barman_wal",
            f"archiving would come from {server.host}, which archives for {archiving[0].host} already",
            "write [streaming]",
        )
    receivers = [client for client in from_here if client.streams]
    for number, client in enumerate(receivers):
        name = receiver_name(client)
        if client.synchronous and not OUR_NAME.fullmatch(name):
            yield Problem(
                client.host,
                "barman_options.streaming_archiver_name",
                f"is {name}, and the collection could not recognize its own name in synchronous_standby_names",
                "write a name that begins with barman and has letters, digits and underscores only",
            )
        # PostgreSQL compares them so.
        same = [other for other in receivers[:number] if receiver_name(other).lower() == name.lower()]
        if same and (client.synchronous or same[0].synchronous):
            yield Problem(
                client.host,
                "barman_synchronous" if client.synchronous else "barman_options.streaming_archiver_name",
                f"has the same receiver name as {same[0].host}, so {server.host} cannot distinguish them",
                "set barman_options.streaming_archiver_name to another name",
            )


def slot_names(facts: Facts) -> Findings:
    holders: dict[tuple[str, int, str], PostgresServer] = {}
    for server in facts.pg.values():
        if not server.streams or server.backup_server is None:
            continue
        source = facts.pg.get(server.primary, server) if server.primary else server
        key = (source.postgres_host, source.port, server.slot_name)
        other = holders.setdefault(key, server)
        if other is server:
            continue
        if server.primary or other.primary:
            instead = "set barman_slot_name to another name"
        else:
            instead = "set barman_postgres_port if they are two instances, else barman_slot_name to another name"
        yield Problem(
            server.host,
            "barman_slot_name",
            f"is {server.slot_name} on {source.postgres_host}:{source.port}, where {other.host} has that slot",
            instead,
        )


def _one_machine(server: PostgresServer, backup: BackupServer) -> bool:
    """Whether Ansible reaches both at the same place, or both have the same address. Behind one address, ports distinguish machines."""
    if server.manage and server.reached_at == backup.reached_at:
        return True
    return server.address == backup.address and server.ssh_port == backup.ssh_port
