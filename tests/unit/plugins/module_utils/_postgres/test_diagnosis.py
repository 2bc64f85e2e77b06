# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a connection or a stream failed. The texts are those of libpq 15 to 18 and PostgreSQL 13 to 18."""

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis import (
    diagnose_connection,
    diagnose_stream,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis_rules import Endpoint
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.reachability import Reach

SQL = Endpoint("198.51.100.10", "5432", "barman", "postgres", server="pg-eu", passfile="/var/lib/barman/.pgpass")
STREAM = Endpoint(
    "198.51.100.10",
    "5433",
    "streaming_barman",
    "replication",
    replication=True,
    server="pg-eu",
    passfile="/var/lib/barman/.pgpass",
)
AT = 'connection to server at "198.51.100.10", port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            AT + 'FATAL:  password authentication failed for user "barman"',
            "wrong_password",
            "it writes barman_postgres_password into /var/lib/barman/.pgpass on this host and, if Ansible manages the server, into PostgreSQL. "
            "Otherwise write the correct password into that file (line 198.51.100.10:5432:postgres:barman:PASSWORD)",
        ),
        (
            AT + "fe_sendauth: no password supplied",
            "missing_password",
            "/var/lib/barman/.pgpass needs the line 198.51.100.10:5432:postgres:barman:PASSWORD",
        ),
        (
            AT
            + 'FATAL:  no pg_hba.conf entry for host "198.51.100.11", user "barman", database "postgres", no encryption',
            "no_hba_line",
            "'host  postgres  barman  198.51.100.11/32  scram-sha-256'",
        ),
        (
            AT
            + 'FATAL:  no pg_hba.conf entry for host "2001:db8::11", user "barman", database "postgres", SSL encryption',
            "no_hba_line",
            "'hostssl  postgres  barman  2001:db8::11/128  scram-sha-256'",
        ),
        (
            AT
            + 'FATAL:  pg_hba.conf rejects connection for host "198.51.100.11", user "barman", database "postgres", SSL off',
            "hba_rejects",
            "before the one that rejects the connection",
        ),
        ('FATAL:  Peer authentication failed for user "barman"', "peer", "scram-sha-256"),
        (AT + 'FATAL:  database "orders" does not exist', "unknown_database", "barman_postgres_database"),
        (AT + 'FATAL:  role "barman" does not exist', "unknown_role", "pgdr.barman.pg"),
        (AT + 'FATAL:  role "barman" is not permitted to log in', "no_login", "ALTER ROLE barman LOGIN"),
        (AT + "FATAL:  sorry, too many clients already", "too_many_connections", "max_connections"),
        (
            AT + "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "too_many_connections",
            "max_connections",
        ),
        (AT + "FATAL:  the database system is starting up", "starting", "Wait"),
        (AT + "FATAL:  the database system is not yet accepting connections", "starting", "Wait"),
        (AT + "Connection refused\n\tIs the server running on that host?", "refused", "listen_addresses"),
        (AT + "No route to host\n\tIs the server running on that host?", "unreachable", "firewall"),
        ("connection timeout expired", "timeout", "Check that the machine runs"),
        (AT + "timeout expired", "timeout", "Check that the machine runs"),
        (
            'could not translate host name "pg" to address: Name or service not known',
            "unknown_host",
            "barman_postgres_host",
        ),
        ("[Errno -2] Name or service not known", "unknown_host", "/etc/hosts"),
        (
            'connection to server on socket "/run/postgresql/.s.PGSQL.5432" failed: No such file or directory',
            "no_socket",
            "the socket /run/postgresql/.s.PGSQL.5432",
        ),
        (AT + "server does not support SSL, but SSL was required", "tls", "ssl = on"),
        (AT + "SSL error: certificate verify failed", "tls", "sslrootcert"),
        (
            'root certificate file "/var/lib/barman/.postgresql/root.crt" does not exist\nEither provide the file',
            "tls",
            "barman_sslrootcert",
        ),
        (
            AT + 'server certificate for "db1" does not match host name "198.51.100.10"',
            "tls",
            "is for 'db1' and not for '198.51.100.10'",
        ),
        (AT + "FATAL:  connection requires a valid client certificate", "tls", "barman_sslcert"),
        ('private key file "/x" has group or world access; file must have permissions u=rw', "tls", "mode 0600"),
        (AT + "server closed the connection unexpectedly", "closed", "log on that server"),
    ],
)
def test_why_a_connection_failed(text: str, kind: str, message: str) -> None:
    found = diagnose_connection(text, SQL)
    assert found.kind == kind
    assert message in found.message
    assert found.message.startswith(
        "Barman server 'pg-eu': no connection to PostgreSQL at 198.51.100.10:5432 as user 'barman' to database 'postgres': "
    )
    assert found.message.endswith((".", "?"))
    assert ".." not in found.message.replace("…", "")


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            'FATAL:  no pg_hba.conf entry for replication connection from host "198.51.100.11", user "streaming_barman", '
            "no encryption",
            "no_hba_line",
            "'host  replication  streaming_barman  198.51.100.11/32  scram-sha-256'",
        ),
        ("FATAL:  must be superuser or replication role to start walsender", "no_replication", "REPLICATION"),
        (
            "FATAL:  permission denied to start WAL sender\nDETAIL:  Only roles with the REPLICATION attribute may",
            "no_replication",
            "ALTER ROLE streaming_barman REPLICATION",
        ),
        (
            "FATAL:  number of requested standby connections exceeds max_wal_senders (currently 10)",
            "max_wal_senders",
            "Raise max_wal_senders",
        ),
        (
            'FATAL:  password authentication failed for user "streaming_barman"',
            "wrong_password",
            "it writes barman_streaming_password into /var/lib/barman/.pgpass on this host and, if Ansible manages the server, into PostgreSQL. "
            "Otherwise write the correct password into that file (line 198.51.100.10:5433:*:streaming_barman:PASSWORD)",
        ),
    ],
)
def test_why_a_replication_connection_failed(text: str, kind: str, message: str) -> None:
    found = diagnose_connection(text, STREAM)
    assert found.kind == kind
    assert message in found.message
    assert "for replication" in found.message


def test_an_unknown_message_is_reported_unchanged() -> None:
    found = diagnose_connection("connection to server failed: ein\n unbekannter Fehler.", SQL)
    assert found.kind == "other"
    assert found.message.endswith("connection to server failed: ein unbekannter Fehler.")
    assert diagnose_connection("", SQL).message.endswith("no reason was reported.")


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "ERROR:  requested WAL segment 000000010000000000000009 has already been removed",
            "wal_removed",
            "000000010000000000000009",
        ),
        (
            'pg_receivewal: error: could not send replication command "START_REPLICATION": ERROR:  replication slot "barman" '
            "is active for PID 4711",
            "slot_active",
            "'barman' (PID 4711 on that server)",
        ),
        (
            "replication slot 'barman' is already in use",
            "slot_active",
            "uses the replication slot 'barman' (reported: ",
        ),
        (
            'ERROR:  cannot read from replication slot "barman"\nDETAIL:  This slot has been invalidated because',
            "slot_lost",
            "max_slot_wal_keep_size",
        ),
        ('ERROR:  can no longer access replication slot "barman"', "slot_lost", "-e barman_receiver_reset=when_needed"),
        ('ERROR:  replication slot "barman" does not exist', "slot_missing", "pgdr.barman.deploy"),
        ("replication slot 'barman' doesn't exist. Please execute", "slot_missing", "pgdr.barman.deploy"),
        ("ERROR:  all replication slots are in use\nHINT:  Free one", "slots_exhausted", "max_replication_slots"),
        (
            "ERROR:  requested starting point 0/7000000 on timeline 1 is not in this server's history",
            "other_timeline",
            "-e barman_receiver_reset=when_needed",
        ),
        ("ERROR:  requested timeline 2 is not in this server's history", "other_timeline", "switch point"),
        (
            "ERROR:  requested starting point 0/9000000 is ahead of the WAL flush position of this server 0/6000000",
            "ahead",
            "correct server",
        ),
        ("pg_receivewal version not compatible with PostgreSQL server version", "version", "path_prefix"),
        ("pg_receivewal: error: could not write: No space left on device", "disk_full", "Free disk space"),
        (
            'pg_receivewal: error: connection to server at "198.51.100.10", port 5433 failed: Connection refused',
            "refused",
            "nothing listens there",
        ),
    ],
)
def test_why_wal_does_not_stream(text: str, kind: str, message: str) -> None:
    found = diagnose_stream(text, STREAM)
    assert found is not None
    assert found.kind == kind
    assert message in found.message
    assert "198.51.100.10:5433" in found.message


def test_the_original_message_is_always_there() -> None:
    text = AT + 'FATAL:  role "barman" does not exist'
    assert text in diagnose_connection(text, SQL).message.replace("  ", " ").replace("FATAL: ", "FATAL:  ")
    log = (
        "2026-11-20 08:00:00 [88] barman.server INFO: Starting receive-wal for server pg-eu\n"
        '2026-11-20 08:00:01 [88] barman.command_wrappers INFO: pg-eu: pg_receivewal: error: ERROR:  replication slot "barman" does not exist\n'
        "2026-11-20 08:00:02 [88] barman.server INFO: more\n"
    )
    found = diagnose_stream(log, STREAM)
    assert found is not None
    assert (
        '(reported: pg-eu: pg_receivewal: error: ERROR:  replication slot "barman" does not exist). Run'
        in found.message
    )


def test_in_another_language_the_message_is_shown_and_nothing_is_concluded() -> None:
    text = AT + "FATAL:  Passwort-Authentifizierung für Benutzer »barman« fehlgeschlagen"
    found = diagnose_connection(text, SQL, Reach.CONNECTED)
    assert (found.kind, found.remedy) == ("other", "")
    assert "Passwort-Authentifizierung für Benutzer »barman« fehlgeschlagen." in found.message
    assert diagnose_stream("FEHLER:  Replikations-Slot »barman« existiert nicht", STREAM) is None


def test_errors_of_the_network_are_recognized_by_their_numbers() -> None:
    found = diagnose_connection(AT + "Verbindungsaufbau abgelehnt", SQL, Reach.REFUSED)
    assert found.kind == "refused"
    assert "nothing listens there. Check that PostgreSQL runs" in found.message


def test_a_stream_without_a_known_word_has_no_diagnosis() -> None:
    assert diagnose_stream("pg_receivewal: starting log streaming at 0/7000000 (timeline 1)", STREAM) is None


def test_a_pgpass_line_is_escaped() -> None:
    assert Endpoint("::1", "5432", r"a\b", "c:d").pgpass_line == r"\:\:1:5432:c\:d:a\\b:PASSWORD"


def test_addresses() -> None:
    assert Endpoint("::1", "5432").address == "[::1]:5432"
    assert Endpoint("/run/postgresql", "5433").address == "/run/postgresql (port 5433)"
