# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The patterns by which a failed connection or WAL stream gets a hint: what is wrong, and what to do.

This module util is private to the collection. PostgreSQL's messages are in the language of its lc_messages, so a pattern here only phrases a hint
beside the message itself. Nobody may decide by it what is done (tests/unit/test_words.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Union


@dataclass(frozen=True)
class Endpoint:
    """Where a connection goes: for messages, so it has no password. server: Barman's name for it."""

    host: str
    port: str = "5432"
    user: str = ""
    database: str = ""
    replication: bool = False
    server: str | None = None
    passfile: str = "~/.pgpass"

    @property
    def address(self) -> str:
        host = self.host
        if host.startswith("/") or host.startswith("the "):
            return f"{host} (port {self.port})"
        return f"{(f'[{host}]' if ':' in host else host)}:{self.port}"

    @property
    def purpose(self) -> str:
        return "for replication" if self.replication else f"to database '{self.database}'"

    @property
    def pgpass_line(self) -> str:
        """The line that .pgpass needs, with a placeholder for the password."""
        fields = [self.host, self.port, "*" if self.replication else self.database, self.user]
        return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + ":PASSWORD"

    @property
    def password_variable(self) -> str:
        return "barman_streaming_password" if self.replication else "barman_postgres_password"


Text = Union[str, Callable[["re.Match[str]", Endpoint], str]]
#: Why a connection fails, in one word.
ConnectionProblem = Literal[
    "wrong_password",
    "missing_password",
    "no_hba_line",
    "hba_rejects",
    "peer",
    "no_replication",
    "unknown_role",
    "no_login",
    "unknown_database",
    "max_wal_senders",
    "too_many_connections",
    "starting",
    "tls",
    "unknown_host",
    "refused",
    "no_socket",
    "unreachable",
    "timeout",
    "closed",
    "pooler",
]
#: Why WAL does not stream, in one word.
StreamProblem = Literal[
    "wal_removed",
    "slot_active",
    "slot_lost",
    "slot_missing",
    "slots_exhausted",
    "other_timeline",
    "ahead",
    "version",
    "system_identifier",
    "disk_full",
]
DiagnosisKind = Union[ConnectionProblem, StreamProblem, Literal["other"]]
ConnectionRule = tuple[ConnectionProblem, str, Text, Text]
StreamRule = tuple[StreamProblem, str, Text, Text]


def _hba_line(found: re.Match[str], endpoint: Endpoint) -> str:
    address = found.group("host")
    if address in ("[local]", ""):
        return f"local  {_hba_database(found)}  {found.group('user')}  peer"
    encryption = (found.groupdict().get("encryption") or "").lower()
    kind = "hostssl" if encryption in ("ssl encryption", "ssl on") else "host"
    mask = "" if "/" in address else "/128" if ":" in address else "/32"
    return f"{kind}  {_hba_database(found)}  {found.group('user')}  {address}{mask}  scram-sha-256"


def _hba_database(found: re.Match[str]) -> str:
    return found.groupdict().get("database") or "replication"


def _password_came_from(found: re.Match[str], endpoint: Endpoint) -> str:
    return f"PostgreSQL refused the password of user '{endpoint.user}'"


_HBA = (
    r'(?:replication connection from )?host "(?P<host>[^"]*)", user "(?P<user>[^"]*)"'
    r'(?:, database "(?P<database>[^"]*)")?(?:, (?P<encryption>SSL encryption|SSL on|SSL off|no encryption|GSS encryption))?'
)

# In this order: the more special before the more general.
CONNECTION_RULES: list[ConnectionRule] = [
    (
        "wrong_password",
        r"password authentication failed for user",
        _password_came_from,
        lambda found, endpoint: (
            f"Run pgdr.barman.deploy: it writes {endpoint.password_variable} into {endpoint.passfile} on this host and, if "
            "Ansible manages the server, into PostgreSQL. Otherwise write the correct password into that file (line "
            f"{endpoint.pgpass_line}), or set it again in PostgreSQL: "
            f"ALTER ROLE {endpoint.user} PASSWORD …. PostgreSQL reports the same if the role does not exist, has no "
            "password, or has one "
            "that has expired"
        ),
    ),
    (
        "missing_password",
        r"no password supplied|password authentication requires|fe_sendauth",
        lambda found, endpoint: f"PostgreSQL requires a password, and none was found for user '{endpoint.user}'",
        lambda found, endpoint: (
            f"{endpoint.passfile} needs the line {endpoint.pgpass_line}, must belong to Barman's user and be readable "
            "by nobody else (mode 0600)"
        ),
    ),
    (
        "no_hba_line",
        r"no pg_hba\.conf entry for " + _HBA,
        lambda found, endpoint: "pg_hba.conf of that server has no line that accepts the connection",
        lambda found, endpoint: (
            f"Add the line '{_hba_line(found, endpoint)}' to its pg_hba.conf, and reload PostgreSQL"
        ),
    ),
    (
        "hba_rejects",
        r"pg_hba\.conf rejects (?:connection for )?" + _HBA,
        lambda found, endpoint: "a line of pg_hba.conf of that server rejects it",
        lambda found, endpoint: (
            f"Insert the line '{_hba_line(found, endpoint)}' before the one that rejects the connection, and reload "
            "PostgreSQL"
        ),
    ),
    (
        "peer",
        r"(?:Peer|Ident) authentication failed for user",
        lambda found, endpoint: f"the operating system user's name is not that of role '{endpoint.user}'",
        "Set scram-sha-256 in that line of pg_hba.conf, or name the role like the operating system user",
    ),
    (
        "no_replication",
        r"must be superuser or replication role to start walsender|permission denied to start WAL sender",
        lambda found, endpoint: f"role '{endpoint.user}' may not stream WAL",
        lambda found, endpoint: f"Run in PostgreSQL: ALTER ROLE {endpoint.user} REPLICATION",
    ),
    (
        "unknown_role",
        r'role "(?P<role>[^"]*)" does not exist',
        lambda found, endpoint: f"role '{found.group('role')}' does not exist",
        "Role pgdr.barman.pg creates it, or run CREATE ROLE manually",
    ),
    (
        "no_login",
        r'role "(?P<role>[^"]*)" is not permitted to log in',
        lambda found, endpoint: f"role '{found.group('role')}' may not log in",
        lambda found, endpoint: f"Run in PostgreSQL: ALTER ROLE {found.group('role')} LOGIN",
    ),
    (
        "unknown_database",
        r'database "(?P<name>[^"]*)" does not exist',
        lambda found, endpoint: f"database '{found.group('name')}' does not exist",
        (
            "Set the name of an existing one: 'postgres' exists almost always (in the inventory: "
            "barman_postgres_database)"
        ),
    ),
    (
        "max_wal_senders",
        r"number of requested standby connections exceeds max_wal_senders(?: \(currently (?P<number>\d+)\))?",
        "all of PostgreSQL's WAL senders are in use",
        (
            "Raise max_wal_senders there (this needs a restart), or end connections that use them: SELECT * FROM "
            "pg_stat_replication"
        ),
    ),
    (
        "too_many_connections",
        r"too many clients already|remaining connection slots are reserved|too many connections for",
        "PostgreSQL has no connection left",
        "Raise max_connections there, or the role's or database's CONNECTION LIMIT, or end idle sessions",
    ),
    (
        "starting",
        r"the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting connections)",
        lambda found, endpoint: found.group(0),
        "Wait until it has started, or read its log",
    ),
    (
        "tls",
        r"server does not support SSL, but SSL was required",
        "that server has no TLS, and the connection string requires it",
        "Set ssl = on there (with ssl_cert_file and ssl_key_file), or a weaker sslmode here (barman_sslmode)",
    ),
    (
        "tls",
        r'server certificate for "(?P<name>[^"]*)" (?:\(and[^)]*\) )?does not match host name',
        lambda found, endpoint: "the server's certificate is for '{}' and not for '{}'".format(
            found.group("name"), endpoint.host
        ),
        "Connect with the certificate's name, or install a certificate for this name on the server",
    ),
    (
        "tls",
        r"certificate verify failed|root certificate file .* does not exist|no certificate or crl found",
        "the server's certificate could not be verified",
        (
            "Set sslrootcert=… in the connection string, a file with the authority that signed the certificate "
            "(barman_sslrootcert)"
        ),
    ),
    (
        "tls",
        r'private key file "(?P<file>[^"]*)" (?P<why>has group or world access|must be owned)|'
        r"certificate present, but not private key file|could not load private key file|could not read certificate file",
        "the client certificate or its key can't be used",
        "The key must belong to Barman's user with mode 0600 (barman_sslcert, barman_sslkey)",
    ),
    (
        "tls",
        r"connection requires a valid client certificate|certificate authentication failed|alert unknown ca|bad certificate",
        "the server requires a client certificate that it trusts, for this role",
        (
            "Set sslcert=… and sslkey=… in the connection string (barman_sslcert, barman_sslkey), with the role as "
            "common name"
        ),
    ),
    (
        "tls",
        r"SSL error|SSL SYSCALL error|SSL negotiation",
        "the TLS connection failed",
        "Read PostgreSQL's log on that server",
    ),
    (
        "unknown_host",
        r"could not translate host name|Name or service not known|nodename nor servname|failed to resolve host|"
        r"Temporary failure in name resolution|No address associated",
        lambda found, endpoint: f"the name '{endpoint.host}' is not known on this host",
        "Use an address (barman_postgres_host), or make the name known in DNS or /etc/hosts",
    ),
    (
        "refused",
        r"Connection refused",
        "nothing listens there",
        (
            "Check that PostgreSQL runs there, that its listen_addresses contains this address, and that the port is "
            "correct"
        ),
    ),
    (
        "pooler",
        r"(?!)",
        "a connection pooler such as PgBouncer answers there, and not PostgreSQL itself. Barman needs sessions and replication connections of its own",
        (
            "Set barman_postgres_port (and barman_postgres_host) to PostgreSQL's own address. If the port on the PostgreSQL "
            "server itself is another one, also set barman_postgres_local_port"
        ),
    ),
    (
        "no_socket",
        r"on socket \"(?P<socket>[^\"]*)\" failed: No such file or directory",
        lambda found, endpoint: f"the socket {found.group('socket')} does not exist",
        "Check that PostgreSQL runs on this host with this port, or set host=… for another one",
    ),
    (
        "unreachable",
        r"No route to host|Network is unreachable|Host is down",
        "that address can't be reached from this host",
        "Check that the machine runs, and that the network (routing, firewall) accepts connections from this host",
    ),
    (
        "timeout",
        r"timeout expired|Connection timed out|connection timeout|Operation timed out|could not receive data from server",
        "it did not answer in time",
        "Check that the machine runs, and that no firewall drops the connection",
    ),
    (
        "closed",
        r"server closed the connection unexpectedly|Connection reset by peer|the connection is lost",
        "PostgreSQL closed the connection",
        "Read PostgreSQL's log on that server",
    ),
]

_RESET = "Run the playbook pgdr.barman.deploy with -e barman_receiver_reset=when_needed (option reset of the module pgdr.barman.wal_receiver)"
_SEGMENT = r"[0-9A-F]{24}"
STREAM_RULES: list[StreamRule] = [
    (
        "wal_removed",
        rf"requested WAL segment (?P<segment>{_SEGMENT}) has already been removed",
        lambda found, endpoint: "PostgreSQL has removed the WAL segment {} that the receiver needs next".format(
            found.group("segment")
        ),
        f"What was written meanwhile is lost to the archive. {_RESET}, and take a new backup",
    ),
    (
        "slot_active",
        r'replication slot "(?P<slot>[^"]*)" is active for PID (?P<pid>\d+)|replication slot \'(?P<other>[^\']*)\' is already in use',
        lambda found, endpoint: "another process uses the replication slot '{}'{}".format(
            found.group("slot") or found.group("other"),
            " (PID {} on that server)".format(found.group("pid")) if found.group("pid") else "",
        ),
        "SELECT * FROM pg_stat_replication has who it is. Stop it, or write another barman_slot_name for this server "
        "(Barman's option slot_name)",
    ),
    (
        "slot_lost",
        r"has been invalidated|can no longer (?:get changes from|access) replication slot|cannot read from (?:physical )?replication slot",
        "the replication slot was invalidated: PostgreSQL had to remove WAL that it still needed "
        "(max_slot_wal_keep_size)",
        f"What was removed is lost to the archive. {_RESET}, and take a new backup",
    ),
    (
        "slot_missing",
        r'replication slot ["\'](?P<slot>[^"\']*)["\'] does(?: not|n\'t) exist',
        lambda found, endpoint: f"the replication slot '{found.group('slot')}' does not exist",
        "Run the playbook pgdr.barman.deploy (the module pgdr.barman.wal_receiver with state: started): it creates "
        "the slot",
    ),
    (
        "slots_exhausted",
        r"all replication slots (?:for server \S+ )?are in use",
        "all of PostgreSQL's replication slots are in use",
        "Raise max_replication_slots there (a restart is needed), or drop one that nobody needs",
    ),
    (
        "other_timeline",
        r"requested starting point (?P<lsn>\S+) on timeline (?P<timeline>\d+) is not in this server's history|"
        r"highest timeline (?P<highest>\d+) of the primary is behind recovery timeline (?P<ours>\d+)|"
        r"requested timeline (?P<requested>\d+) is not in this server's history",
        (
            "the receiver is on a timeline that this server left before that point: the server was recovered or failed "
            "over"
        ),
        (
            f"{_RESET}: that moves the partial segment of the previous timeline aside, and streaming continues at the "
            "switch "
            "point"
        ),
    ),
    (
        "ahead",
        r"requested starting point (?P<lsn>\S+) is ahead of the WAL flush position|The receive-wal position is ahead of PostgreSQL",
        "the receiver has WAL that this server has not written: an older copy of it was started without a recovery",
        f"Check that it is the correct server. {_RESET}, and take a new backup",
    ),
    (
        "version",
        r"version not compatible with PostgreSQL server version|incompatible server version|not present in \$PATH",
        "no pg_receivewal of a suitable version is installed on this host",
        (
            "Install the client of the server's major version or a later one, or set its directory as "
            "barman_client_directory (Barman's option path_prefix)"
        ),
    ),
    (
        "system_identifier",
        r"system identifier (?:mismatch|does not match|differs)|systemid coherence|doesn't match",
        "it is another database cluster than that of this archive",
        "Set a new name for a new cluster (barman_server_name), or move the old archive aside",
    ),
    (
        "disk_full",
        r"No space left on device|Disk quota exceeded",
        "the disk is full",
        "Free disk space on this host, or move Barman's directories",
    ),
]
