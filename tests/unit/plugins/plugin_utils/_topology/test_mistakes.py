# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every mistake has its own message, with host, variable, what is wrong and what to write instead."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Problem, Unreadable
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import KNOWN_VARIABLES
from tests.unit.plugins.plugin_utils._topology.inventories import (
    backup,
    good,
    only_problem,
    outcome,
    pg,
    problems,
)

# What is set on the server pg; the variable that is blamed; words of the message; words of the advice.
MISTAKES_OF_A_SERVER = [
    ({"barman_backup_server": None}, "barman_backup_server", "is missing", "inventory name"),
    (
        {"barman_backup_server": "bakcup"},
        "barman_backup_server",
        "names bakcup, which is not a backup server",
        "backup?",
    ),
    ({"barman_backup_server": "elsewhere"}, "barman_backup_server", "names elsewhere", "write one of backup"),
    ({"barman_backup_server": ["backup"]}, "barman_backup_server", "is a list and no text", "write a text"),
    ({"barman_backup_server": ""}, "barman_backup_server", "is missing", "inventory name"),
    ({"barman_postgres_version": None}, "barman_postgres_version", "is missing", "13 to 18"),
    ({"barman_postgres_version": 17.2}, "barman_postgres_version", "the number 17.2", "whole number, from 13 to 18"),
    ({"barman_postgres_version": 9}, "barman_postgres_version", "cannot be 9", "from 13 to 18"),
    ({"barman_postgres_version": True}, "barman_postgres_version", "is true", "whole number"),
    ({"barman_wal": []}, "barman_wal", "is empty, so no WAL would come", "streaming, archiving or both"),
    ({"barman_wal": ["stream"]}, "barman_wal", "item 1 cannot be 'stream'", "did you mean streaming?"),
    ({"barman_wal": ["streaming", "streaming"]}, "barman_wal", "has 'streaming' twice", "write it once"),
    ({"barman_wal": {"streaming": True}}, "barman_wal", "is a dictionary and no list", "[streaming]"),
    (
        {"barman_backup_method": "postgresql"},
        "barman_backup_method",
        "cannot be 'postgresql'",
        "did you mean postgres?",
    ),
    ({"barman_backup_method": "tar"}, "barman_backup_method", "cannot be 'tar'", "postgres, rsync, snapshot"),
    ({"barman_incremental": "blocks"}, "barman_incremental", "cannot be 'blocks'", "did you mean block?"),
    ({"barman_incremental": False}, "barman_incremental", "is false", "none, block, link, copy"),
    ({"barman_incremental": "link"}, "barman_incremental", "link needs the rsync method", "write block"),
    ({"barman_incremental": "copy"}, "barman_incremental", "copy needs the rsync method", "write block"),
    (
        {"barman_incremental": "block", "barman_postgres_version": 16},
        "barman_incremental",
        "block needs PostgreSQL 17 or later, and this is 16",
        "write none",
    ),
    (
        {"barman_incremental": "block", "barman_backup_method": "rsync"},
        "barman_incremental",
        "block needs the postgres method, and this is rsync",
        "write link or copy",
    ),
    (
        {"barman_incremental_schedule": "0 1 * * *"},
        "barman_incremental_schedule",
        "has no effect without block-level increments",
        "barman_incremental: block",
    ),
    (
        {"barman_synchronous": True, "barman_wal": ["archiving"]},
        "barman_synchronous",
        "needs WAL streaming",
        "add streaming to barman_wal",
    ),
    ({"barman_archive_method": "scp"}, "barman_archive_method", "cannot be 'scp'", "barman-wal-archive, rsync"),
    ({"barman_archive_compression": "zip"}, "barman_archive_compression", "cannot be 'zip'", "did you mean gzip?"),
    ({"barman_archive_timeout": -1}, "barman_archive_timeout", "cannot be -1", "0 or more"),
    (
        {"barman_archive_method": "rsync", "barman_archive_compression": "xz"},
        "barman_archive_compression",
        "xz is not supported by rsync",
        "one of none, gzip, zstd, lz4",
    ),
    ({"barman_synchronous": 2}, "barman_synchronous", "is the number 2", "write true or false"),
    ({"barman_manage_postgres": "nope"}, "barman_manage_postgres", "is the text 'nope'", "write true or false"),
    ({"barman_postgres_port": "54x"}, "barman_postgres_port", "is the text '54x'", "from 1 to 65535"),
    (
        {"barman_passive_servers": ["backup"]},
        "barman_passive_servers",
        "names backup, which backs up the server itself",
        "ano",
    ),
    (
        {"barman_passive_servers": ["nowhere"]},
        "barman_passive_servers",
        "names nowhere, which is not a backup server",
        "",
    ),
    ({"barman_postgres_password": None}, "barman_postgres_password", "is missing", "vault"),
    ({"barman_postgres_password": ""}, "barman_postgres_password", "is empty", "write a password"),
    ({"barman_postgres_password": 12345}, "barman_postgres_password", "is not a text", "in quotes"),
    ({"barman_postgres_password": "a\nb"}, "barman_postgres_password", "has a line break", "one line"),
    ({"barman_streaming_password": None}, "barman_streaming_password", "is missing", "vault"),
    ({"barman_postgres_port": 0}, "barman_postgres_port", "cannot be 0", "from 1 to 65535"),
    ({"barman_postgres_port": 65536}, "barman_postgres_port", "cannot be 65536", "from 1 to 65535"),
    ({"barman_ssh_port": -22}, "barman_ssh_port", "cannot be -22", "from 1 to 65535"),
    ({"barman_address": "198.51.100.300"}, "barman_address", "neither an IP address nor a host name", "write one"),
    ({"barman_address": "pg.example.net:5432"}, "barman_address", "neither an IP address", "without a port"),
    (
        {"barman_postgres_host": "postgres@pg"},
        "barman_postgres_host",
        "neither an IP address",
        "without a port or a user",
    ),
    ({"barman_postgres_host": "127.0.0.1"}, "barman_postgres_host", "which backup resolves to itself", "address where"),
    ({"barman_postgres_host": "localhost"}, "barman_postgres_host", "which backup resolves to itself", "address where"),
    ({"ansible_host": "127.0.0.1"}, "barman_address", "is 127.0.0.1, which backup resolves to itself", "address where"),
    ({"barman_postgres_host": "/run/postgresql"}, "barman_postgres_host", "a socket's directory", "write an address"),
    ({"barman_slot_name": "Barman"}, "barman_slot_name", "'Barman' is not a name for a replication slot", "lower case"),
    ({"barman_slot_name": "bar-man"}, "barman_slot_name", "'bar-man' is not a name", "lower case"),
    ({"barman_slot_name": "x" * 64}, "barman_slot_name", "is not a name for a replication slot", "1 to 63"),
    ({"barman_server_name": "all"}, "barman_server_name", "cannot be 'all'", "another name"),
    ({"barman_server_name": "barman"}, "barman_server_name", "cannot be 'barman'", "another name"),
    ({"barman_server_name": "DEFAULT"}, "barman_server_name", "cannot be 'DEFAULT'", "another name"),
    ({"barman_server_name": "a/b"}, "barman_server_name", "neither a section", "letters, digits"),
    ({"barman_server_name": "a b"}, "barman_server_name", "neither a section", "letters, digits"),
    ({"barman_server_name": "-a"}, "barman_server_name", "neither a section", "not beginning with"),
    (
        {
            "barman_server_name": "..",
        },
        "barman_server_name",
        "neither a section",
        "not beginning with",
    ),
    (
        {"barman_retention_policy": "14 DAYS"},
        "barman_retention_policy",
        "is not a retention policy",
        "RECOVERY WINDOW OF 14",
    ),
    (
        {"barman_retention_policy": "RECOVERY WINDOW OF 0 DAYS"},
        "barman_retention_policy",
        "a window of no time",
        "1 DAYS",
    ),
    ({"barman_retention_policy": "REDUNDANCY 0"}, "barman_retention_policy", "would keep no backup", "REDUNDANCY 1"),
    ({"barman_retention_policy": 14}, "barman_retention_policy", "is the number 14 and no text", "write a text"),
    ({"barman_minimum_redundancy": -1}, "barman_minimum_redundancy", "cannot be -1", "0 or more"),
    (
        {"barman_retention_policy": "REDUNDANCY 2", "barman_minimum_redundancy": 3},
        "barman_minimum_redundancy",
        "is 3, so the retention policy of 2 is never reached",
        "REDUNDANCY 3",
    ),
    (
        {"barman_retention_policy": "RECOVERY WINDOW OF 1 WEEKS", "barman_minimum_redundancy": 9},
        "barman_minimum_redundancy",
        "the window of 7 days holds 8 backups by the schedule",
        "write 8 or less",
    ),
    ({"barman_backup_schedule": "30 2 * *"}, "barman_backup_schedule", "it has 4 fields instead of 5", '"30 2 * * *"'),
    ({"barman_backup_schedule": "60 2 * * *"}, "barman_backup_schedule", "the minute '60' is not from 0 to 59", "30 2"),
    ({"barman_backup_schedule": "0 2-1 * * *"}, "barman_backup_schedule", "the hour 2-1 ends before it begins", "30 2"),
    ({"barman_backup_schedule": "*/0 * * * *"}, "barman_backup_schedule", "the minute has the step '0'", "30 2"),
    ({"barman_backup_schedule": "@reboot"}, "barman_backup_schedule", "@reboot is not one of", "30 2"),
    ({"barman_backup_schedule": False}, "barman_backup_schedule", "is false and no text", "'' for none"),
    (
        {"barman_backup_schedule": "0 2 * * *\n* * * * * root x"},
        "barman_backup_schedule",
        "has a line break",
        "one line",
    ),
    ({"barman_sslmode": "verify"}, "barman_sslmode", "cannot be 'verify'", "verify-full"),
    ({"barman_sslmode": "verify-full"}, "barman_sslmode", "needs a CA's certificate", "set barman_sslrootcert"),
    ({"barman_sslrootcert": "root.crt"}, "barman_sslrootcert", "not an absolute path", "begins with /"),
    ({"barman_sslcert": "/etc/barman/tls.crt"}, "barman_sslkey", "is missing, and barman_sslcert is set", "set both"),
    ({"barman_sslkey": "/etc/barman/tls.key"}, "barman_sslcert", "is missing, and barman_sslkey is set", "set both"),
    (
        {"barman_sslcert": "/tls.crt", "barman_sslkey": "/tls.key", "barman_sslmode": "disable"},
        "barman_sslmode",
        "a client certificate needs TLS",
        "write require",
    ),
    (
        {
            "barman_sslcert": "/tls.crt",
            "barman_sslkey": "/tls.key",
            "barman_postgres_password": None,
            "barman_streaming_password": None,
        },
        "barman_sslcert",
        "is of one role, and without passwords it would be of two: barman and streaming_barman",
        "write barman_streaming_user: barman",
    ),
    (
        {"barman_postgres_user": "pg_barman"},
        "barman_postgres_user",
        "which PostgreSQL keeps for itself",
        "another name",
    ),
    ({"barman_streaming_user": "s" * 64}, "barman_streaming_user", "longer than the 63 bytes", "shorter"),
    ({"barman_postgres_user": "all"}, "barman_postgres_user", "which PostgreSQL keeps for itself", "another name"),
    ({"barman_postgres_user": 'bar"man'}, "barman_postgres_user", "has characters that are not taken", "letters"),
    ({"barman_postgres_database": "replication"}, "barman_postgres_database", "something else in pg_hba", "another"),
    (
        {"barman_connection_options": {"password": "x"}},
        "barman_connection_options",
        "sets password",
        "barman_postgres_password",
    ),
    ({"barman_connection_options": {"replication": 1}}, "barman_connection_options", "which Barman decides", "remove"),
    ({"barman_connection_options": {"a b": 1}}, "barman_connection_options", "not a parameter", "connect_timeout"),
    (
        {"barman_connection_options": {"keepalives": True}},
        "barman_connection_options",
        "has true as keepalives",
        "number",
    ),
    (
        {"barman_streaming_user": "barman"},
        "barman_streaming_password",
        "differs from barman_postgres_password",
        "set barman_streaming_user",
    ),
    ({"barman_postgres_os_user": "post gres"}, "barman_postgres_os_user", "cannot be the name of a user", "letters"),
    ({"barman_primary": "pg"}, "barman_primary", "names the server itself", "name its primary"),
    (
        {"barman_manage_postgres": False, "barman_ssh_public_key": "AAAA"},
        "barman_ssh_public_key",
        "is not a public key of SSH",
        "write the line in",
    ),
    (
        {"barman_ssh_public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"},
        "barman_ssh_public_key",
        "has no effect if Ansible manages the server",
        "remove it, or write barman_manage_postgres: false",
    ),
    (
        {"barman_manage_postgres": False, "barman_ssh_host_key": "198.51.100.21 ssh-ed25519 AAAA"},
        "barman_ssh_host_key",
        "is not a public key of SSH",
        "write the line in /etc/ssh/ssh_host_ed25519_key.pub",
    ),
    (
        {"barman_ssh_host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"},
        "barman_ssh_host_key",
        "has no effect if Ansible manages the server",
        "remove it, or write barman_manage_postgres: false",
    ),
    ({"barman_primary": "gp"}, "barman_primary", "names gp, which is not a PostgreSQL server", "write one of pg"),
    (
        {"barman_backup_sever": "backup"},
        "barman_backup_sever",
        "is not a variable of this collection",
        "barman_backup_server?",
    ),
    (
        {"barman_recover_target_tme": "2026-11-20 08:15:00+00"},
        "barman_recover_target_tme",
        "is not a variable of this collection",
        "barman_recover_target_time?",
    ),
    (
        {"barman_target_time": "2026-11-20 08:15:00+00"},
        "barman_target_time",
        "is not a variable of this collection",
        "barman_recover_target_time?",
    ),
    (
        {"barman_recover_query": []},
        "barman_recover_query",
        "is not a variable of this collection",
        "barman_recover_queries?",
    ),
    ({"barman_options": ["compression"]}, "barman_options", "is a list and no dictionary", "option: value"),
    ({"barman_options": {True: "x"}}, "barman_options", "has the key True", "in quotes"),
    (
        {"barman_options": {"compresion": "gzip"}},
        "barman_options.compresion",
        "not an option that Barman knows",
        "compression?",
    ),
    ({"barman_options": {"compression": "foo"}}, "barman_options.compression", "cannot be 'foo'", "write gzip"),
    (
        {"barman_options": {"check_timeout": "soon"}},
        "barman_options.check_timeout",
        "Barman would use its default",
        "whole",
    ),
    (
        {"barman_options": {"barman_home": "/b"}},
        "barman_options.barman_home",
        "[barman] section only",
        "global options",
    ),
    (
        {"barman_options": {"parallel_jobs": 4}},
        "barman_options.parallel_jobs",
        "no effect on backups with the postgres",
        "rsync",
    ),
    (
        {"barman_options": {"reuse_backup": "link"}},
        "barman_options.reuse_backup",
        "contradicts",
        "set barman_incremental",
    ),
    (
        {"barman_options": {"backup_method": "rsync"}},
        "barman_options.backup_method",
        "contradicts",
        "barman_backup_method",
    ),
    ({"barman_options": {"archiver": True}}, "barman_options.archiver", "contradicts", "barman_wal"),
    ({"barman_options": {"slot_name": "other"}}, "barman_options.slot_name", "contradicts", "barman_slot_name"),
    (
        {"barman_options": {"conninfo": "host=x password=secret"}},
        "barman_options.conninfo",
        "contradicts what follows from barman_postgres_host",
        "remove it",
    ),
    (
        {"barman_options": {"retention_policy": "REDUNDANCY 3"}, "barman_retention_policy": "REDUNDANCY 2"},
        "barman_options.retention_policy",
        "is set, and barman_retention_policy is too",
        "remove one of the two",
    ),
    (
        {"barman_options": {"network_compression": True}},
        "barman_options.network_compression",
        "only with the rsync method",
        "",
    ),
    (
        {"barman_options": {"backup_compression": "lz4"}, "barman_postgres_version": 14},
        "barman_options.backup_compression",
        "lz4 needs PostgreSQL 15 or later, and this is 14",
        "write gzip",
    ),
    (
        {"barman_options": {"basebackups_directory": "/var/lib/barman/pg/wals"}},
        "barman_options.basebackups_directory",
        "is /var/lib/barman/pg/wals, as wals_directory of pg on backup",
        "another directory",
    ),
]

MISTAKES_OF_A_BACKUP_SERVER = [
    ({"barman_passive_of": "backup"}, "barman_passive_of", "names the backup server itself", "name another"),
    (
        {"barman_passive_of": "backup-us"},
        "barman_passive_of",
        "names backup-us, which is not a backup server",
        "backup",
    ),
    ({"barman_addresses": []}, "barman_addresses", "is empty", "write an address"),
    ({"barman_addresses": ["198.51.100.11/24"]}, "barman_addresses", "bits set beyond its prefix", "198.51.100.0/24"),
    ({"barman_addresses": ["198.51.100.0/33"]}, "barman_addresses", "is not a network", "198.51.100.0/24"),
    ({"barman_addresses": ["10.0.0.1", "10.0.0.1/32"]}, "barman_addresses", "has '10.0.0.1/32' twice", "once"),
    (
        {"ansible_host": "127.0.0.1"},
        "barman_address",
        "which the other hosts resolve to themselves",
        "write the address",
    ),
    ({"barman_version": 3.2}, "barman_version", "as numbers 3.2 and 3.20 are equal", "in quotes"),
    ({"barman_version": "new"}, "barman_version", "'new' is not a version", '"3.20.1"'),
    ({"barman_version": "2.19"}, "barman_version", "2.19 is older than 3.4", "newer Barman"),
    ({"barman_home": "barman"}, "barman_home", "not an absolute path", "begins with /"),
    ({"barman_user": "bar man"}, "barman_user", "cannot be the name of a user", "letters"),
    ({"barman_allow_empty": "maybe"}, "barman_allow_empty", "is the text 'maybe'", "write true or false"),
    ({"barman_global_options": "compression"}, "barman_global_options", "not a name=value pair", "option: value"),
    (
        {"barman_global_options": {"compresion": "gzip"}},
        "barman_global_options.compresion",
        "not an option",
        "compression?",
    ),
    ({"barman_global_options": {"conninfo": "host=x"}}, "barman_global_options.conninfo", "is ignored", "each server"),
    (
        {"barman_global_options": {"keepalive_interval": 5}},
        "barman_global_options.keepalive_interval",
        "is ignored",
        "each",
    ),
    (
        {"barman_global_options": {"barman_home": "/srv"}},
        "barman_global_options.barman_home",
        "contradicts",
        "barman_home",
    ),
    (
        {"barman_global_options": {"archiver": True}},
        "barman_global_options.archiver",
        "decided for each server",
        "barman_wal",
    ),
    (
        {"barman_global_options": {"reuse_backup": "link"}},
        "barman_global_options.reuse_backup",
        "works only with the rsync method, and this is postgres (server pg)",
        "remove it",
    ),
    (
        {"barman_global_options": {"worm_mode": True}, "barman_version": "3.13.0"},
        "barman_global_options.worm_mode",
        "is new in Barman 3.13.2, and this is Barman 3.13",
        "newer Barman",
    ),
]


@pytest.mark.parametrize(("variables", "blamed", "message", "advice"), MISTAKES_OF_A_SERVER)
def test_a_mistake_of_a_server_has_its_message(variables, blamed, message, advice):
    problem = only_problem(variables)
    assert (problem.host, problem.variable) == ("pg", blamed)
    assert message in problem.message
    assert advice in problem.instead


@pytest.mark.parametrize(("variables", "blamed", "message", "advice"), MISTAKES_OF_A_BACKUP_SERVER)
def test_a_mistake_of_a_backup_server_has_its_message(variables, blamed, message, advice):
    problem = only_problem(None, variables)
    assert (problem.host, problem.variable) == ("backup", blamed)
    assert message in problem.message
    assert advice in problem.instead


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"barman_postgres_version": "16"}, {"barman_postgres_version": 16}),
        ({"barman_postgres_port": " 5433 "}, {"barman_postgres_port": 5433}),
        ({"barman_synchronous": "yes"}, {"barman_synchronous": True}),
        ({"barman_manage_postgres": "False"}, {"barman_manage_postgres": False}),
        ({"barman_wal": "streaming,archiving"}, {"barman_wal": ["streaming", "archiving"]}),
        ({"barman_wal": '["streaming", "archiving"]'}, {"barman_wal": ["streaming", "archiving"]}),
        ({"barman_wal": "streaming\narchiving\n"}, {"barman_wal": ["streaming", "archiving"]}),
        (
            {"barman_options": "check_timeout=60, compression=gzip"},
            {"barman_options": {"check_timeout": "60", "compression": "gzip"}},
        ),
        ({"barman_options": '{"check_timeout": 60}'}, {"barman_options": {"check_timeout": 60}}),
    ],
)
def test_a_text_is_converted_to_its_type(text, value):
    assert good(text) == good(value)


def test_all_mistakes_are_reported_in_one_run():
    found = problems(
        {"barman_wal": [], "barman_postgres_port": 0, "barman_backup_sever": "x", "barman_postgres_version": "17.2"},
        {"barman_home": "barman", "barman_allow_empty": "never"},
    )
    assert {(problem.host, problem.variable) for problem in found} == {
        ("pg", "barman_wal"),
        ("pg", "barman_postgres_port"),
        ("pg", "barman_backup_sever"),
        ("pg", "barman_postgres_version"),
        ("backup", "barman_home"),
        ("backup", "barman_allow_empty"),
    }


def test_a_problem_reads_as_a_sentence():
    problem = only_problem({"barman_backup_server": "bakcup"})
    assert str(problem) == (
        "pg: barman_backup_server: names bakcup, which is not a backup server of the inventory; did you mean backup?"
    )


def test_a_problem_never_repeats_a_secret():
    found = outcome(
        {
            "barman_postgres_password": "top\nsecret",
            "barman_streaming_password": 424242,
            "barman_options": {"conninfo": "host=a password=hidden", "wal_conninfo": "password=hidden\n"},
        }
    )
    messages = " ".join(str(problem) for problem in found.problems)
    assert "secret" not in messages
    assert "424242" not in messages
    assert "hidden" not in messages


def test_an_unreadable_variable_names_host_and_variable():
    problem = only_problem({"barman_zone": Unreadable("'region' is undefined")})
    assert problem == Problem(
        "pg", "barman_zone", "its value cannot be read: 'region' is undefined", "correct the expression"
    )


def test_an_unreadable_password_is_a_problem():
    problem = only_problem({"barman_postgres_password": Unreadable("'vault_pw' is undefined")})
    assert (problem.host, problem.variable) == ("pg", "barman_postgres_password")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("barman_zon", "barman_zone"),
        ("barman_hme", "barman_home"),
        ("barman_adress", "barman_address"),
        ("barman_passive", "barman_passive_of"),
        ("barman_passive_server", "barman_passive_servers"),
        ("barman_option", "barman_options"),
        ("barman_postgres_pasword", "barman_postgres_password"),
        ("barman_pg_version", "barman_version"),
    ],
)
def test_a_misspelt_variable_is_reported_with_the_nearest_name(name, meant):
    problem = only_problem({name: "x"})
    assert (problem.variable, problem.instead) == (name, f"did you mean {meant}?")


def test_variables_that_are_like_none_are_left_alone():
    assert good({"barman_colour": "green", "barman_servers": ["pg"], "barman_done": True}).warnings == []


def test_no_variable_of_a_playbook_is_taken_for_a_misspelling(repository):
    files = [*repository.glob("playbooks/**/*.yml"), *repository.glob("roles/*/*/*.yml")]
    names = {name for file in files for name in re.findall(r"(?<![\w.])barman_[a-z_]+\b", file.read_text())}
    assert names
    good(dict.fromkeys(names - set(KNOWN_VARIABLES), "x"))


def test_a_wrong_type_in_the_groups_own_variables_does_not_hide_the_others():
    found = problems({"barman_options": "x", "barman_primary": 5, "barman_passive_servers": 5})
    assert [problem.variable for problem in found] == ["barman_options", "barman_passive_servers", "barman_primary"]


def test_an_inventory_name_that_barman_cannot_use_needs_a_server_name():
    found = problems(more_pg={"pg main": pg("198.51.100.22")})
    assert [(problem.host, problem.variable) for problem in found] == [("pg main", "barman_server_name")]
    good(more_pg={"pg main": pg("198.51.100.22", barman_server_name="pg-main")})


def test_two_servers_with_one_name_on_one_backup_server():
    problem = only_problem(more_pg={"pg-2": pg("198.51.100.22", barman_server_name="pg")})
    assert problem.host == "pg-2"
    assert problem.variable == "barman_server_name"
    assert "is pg as that of pg, and both are on backup" in problem.message


def test_one_name_on_two_backup_servers_is_fine():
    good(
        more_pg={"pg-2": pg("198.51.100.22", barman_server_name="pg", barman_backup_server="backup-2")},
        more_backup={"backup-2": backup("198.51.100.12")},
    )


def test_a_passive_copy_with_the_name_of_a_server_that_is_backed_up_here():
    problem = only_problem(
        more_pg={
            "pg-2": pg(
                "198.51.100.22",
                barman_server_name="pg",
                barman_backup_server="backup-2",
                barman_passive_servers=["backup"],
            )
        },
        more_backup={"backup-2": backup("198.51.100.12")},
    )
    assert problem.host == "pg-2"
    assert "is pg, replicated from backup-2, as that of pg, and both are on backup" in problem.message


def test_a_copy_of_a_whole_backup_server_with_the_name_of_a_server_that_is_backed_up_here():
    problem = only_problem(
        None,
        {"barman_passive_of": "backup-2"},
        more_pg={"pg-2": pg("198.51.100.22", barman_server_name="pg", barman_backup_server="backup-2")},
        more_backup={"backup-2": backup("198.51.100.12")},
    )
    assert "replicated from backup-2" in problem.message


def test_two_servers_in_one_directory():
    problem = only_problem(
        more_pg={"pg-2": pg("198.51.100.22", barman_options={"backup_directory": "/var/lib/barman/pg/"})},
    )
    assert problem.host == "pg-2"
    assert problem.variable == "barman_options.backup_directory"
    assert "is /var/lib/barman/pg, as backup_directory of pg on backup" in problem.message


def test_cloud_locations_may_be_shared():
    place = {"basebackups_directory": "s3://bucket/barman", "wals_directory": "s3://bucket/barman"}
    good({"barman_options": place}, more_pg={"pg-2": pg("198.51.100.22", barman_options=place)})


def test_passive_nodes_in_a_circle_are_reported_once():
    problem = only_problem(
        None,
        {"barman_passive_of": "backup-2"},
        more_backup={
            "backup-2": backup("198.51.100.12", barman_passive_of="backup-3", barman_allow_empty=True),
            "backup-3": backup("198.51.100.13", barman_passive_of="backup", barman_allow_empty=True),
        },
    )
    assert problem.host == "backup"
    assert "backup -> backup-2 -> backup-3 -> backup" in problem.message
    assert "barman_passive_servers" in problem.instead


def test_a_node_that_leads_into_a_circle_is_not_blamed_for_it():
    found = problems(
        None,
        {"barman_passive_of": "backup-2"},
        more_backup={
            "backup-2": backup("198.51.100.12", barman_passive_of="backup-3", barman_allow_empty=True),
            "backup-3": backup("198.51.100.13", barman_passive_of="backup-2", barman_allow_empty=True),
        },
    )
    assert [(problem.host, problem.variable) for problem in found] == [("backup-2", "barman_passive_of")]


def test_a_server_that_is_replicated_twice_to_one_backup_server():
    problem = only_problem(
        {"barman_passive_servers": ["backup-2", "backup-3"]},
        more_backup={
            "backup-2": backup("198.51.100.12"),
            "backup-3": backup("198.51.100.13", barman_passive_of="backup-2"),
        },
    )
    assert (problem.host, problem.variable) == ("pg", "barman_passive_servers")
    assert "backup-3 would replicate it from backup and from backup-2" in problem.message


def test_a_backup_server_without_any_server():
    problem = only_problem(more_backup={"backup-2": backup("198.51.100.12")})
    assert (problem.host, problem.variable) == ("backup-2", "barman_allow_empty")
    assert "no PostgreSQL server is backed up or replicated here" in problem.message
    good(more_backup={"backup-2": backup("198.51.100.12", barman_allow_empty=True)})


def test_two_receivers_on_one_slot():
    problem = only_problem(more_pg={"pg-2": pg()})
    assert (problem.host, problem.variable) == ("pg-2", "barman_slot_name")
    assert "is barman on 198.51.100.21:5432, where pg has that slot" in problem.message
    assert "barman_postgres_port" in problem.instead


def test_two_instances_on_one_machine():
    good(more_pg={"pg-2": pg(barman_postgres_port=5433)})


def test_many_entries_of_one_server_have_slots_of_their_own():
    good(more_pg={"pg-2": pg(barman_slot_name="barman_2")})


def test_an_option_too_new_for_the_declared_version():
    problem = only_problem({"barman_options": {"compression": "zstd"}}, {"barman_version": "3.4.0"})
    assert problem.variable == "barman_options.compression"
    assert "can be zstd since Barman 3.12 only, and this is Barman 3.4" in problem.message
    good({"barman_options": {"compression": "zstd"}}, {"barman_version": "3.12.1"})


def test_block_increments_need_barman_3_11():
    problem = only_problem({"barman_incremental": "block"}, {"barman_version": "3.10.0"})
    assert "block needs Barman 3.11, and backup has 3.10" in problem.message


def test_archived_wal_is_compressed_from_barman_3_14_on():
    variables = {"barman_wal": ["archiving"], "barman_archive_compression": "zstd"}
    problem = only_problem(variables, {"barman_version": "3.13.3"})
    assert problem.variable == "barman_archive_compression"
    assert "zstd needs Barman 3.14, and backup has 3.13.3" in problem.message
    good(variables, {"barman_version": "3.14.0"})
    good({**variables, "barman_archive_method": "rsync"}, {"barman_version": "3.13.3"})


def test_compressed_block_increments_need_barman_3_15():
    variables = {"barman_incremental": "block", "barman_options": {"backup_compression": "gzip"}}
    problem = only_problem(variables, {"barman_version": "3.13.3"})
    assert problem.variable == "barman_options.backup_compression"
    good(variables, {"barman_version": "3.15.0"})


def test_snapshot_without_provider():
    found = problems({"barman_backup_method": "snapshot"})
    assert [(problem.host, problem.variable) for problem in found] == [
        ("pg", "barman_options.snapshot_disks"),
        ("pg", "barman_options.snapshot_instance"),
        ("pg", "barman_options.snapshot_provider"),
    ]
    assert "write gcp, azure or aws" in found[2].instead


AWS = {"snapshot_provider": "aws", "snapshot_instance": "i", "snapshot_disks": ["d"]}


def snapshot(**options):
    return {"barman_backup_method": "snapshot", "barman_options": {**AWS, **options}}


def test_snapshot_provider_without_project_and_zone():
    found = problems(snapshot(snapshot_provider="gcp"))
    assert [problem.variable for problem in found] == ["barman_options.gcp_project", "barman_options.gcp_zone"]


def test_snapshot_with_what_another_provider_reads():
    problem = only_problem(snapshot(gcp_zone="europe-west3-a"))
    assert problem.variable == "barman_options.gcp_zone"
    assert "only with snapshot_provider = gcp, and this is aws" in problem.message
    assert only_problem({"barman_options": {"snapshot_disks": ["d"]}}).variable == "barman_options.snapshot_disks"
    good(snapshot(), {"barman_global_options": {"gcp_project": "p"}})


def test_snapshot_of_a_provider_that_the_barman_version_does_not_have():
    problem = only_problem(snapshot(), {"barman_version": "3.6.0"})
    assert problem.variable == "barman_options.snapshot_provider"
    assert "aws since Barman 3.7 only" in problem.message
    good(snapshot(), {"barman_version": "3.7.0"})


def test_snapshot_without_a_way_to_the_server():
    assert only_problem(snapshot(ssh_command="")).variable == "barman_options.ssh_command"


def test_snapshots_are_not_replicated():
    problem = only_problem(
        {**snapshot(), "barman_passive_servers": ["copy"]}, more_backup={"copy": backup("198.51.100.12")}
    )
    assert (problem.host, problem.variable) == ("pg", "barman_passive_servers")
    assert "can only replicate files" in problem.message
    problem = only_problem(snapshot(), more_backup={"copy": backup("198.51.100.12", barman_passive_of="backup")})
    assert (problem.host, problem.variable) == ("pg", "barman_backup_method")


def test_global_parallel_jobs_are_for_the_servers_that_can():
    good(None, {"barman_global_options": {"parallel_jobs": 4}})


def test_a_global_mistake_is_reported_once_for_many_servers():
    only_problem(
        None,
        {"barman_global_options": {"network_compression": True}},
        more_pg={f"pg-{number}": pg(f"198.51.100.{30 + number}") for number in range(5)},
    )


def test_a_standby_of_a_standby():
    problem = only_problem(
        more_pg={
            "pg-2": pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2"),
            "pg-3": pg("198.51.100.23", barman_primary="pg-2", barman_slot_name="barman_3"),
        }
    )
    assert (problem.host, problem.variable) == ("pg-3", "barman_primary")
    assert "a standby itself" in problem.message
    assert problem.instead == "name the primary, pg"


def test_a_standby_shares_the_slot_of_its_primary():
    problem = only_problem(more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg")})
    assert (problem.host, problem.variable) == ("pg-2", "barman_slot_name")


def test_a_standby_with_other_roles_or_version_than_its_primary():
    found = problems(
        more_pg={
            "pg-2": pg(
                "198.51.100.22",
                barman_primary="pg",
                barman_slot_name="barman_2",
                barman_postgres_user="other",
                barman_postgres_version=16,
            )
        }
    )
    assert [problem.variable for problem in found] == ["barman_postgres_user", "barman_postgres_version"]


def test_a_standby_with_another_password_than_its_primary():
    standby = pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2", barman_streaming_password="another")
    problem = only_problem(more_pg={"pg-2": standby})
    assert (problem.host, problem.variable) == ("pg-2", "barman_streaming_password")
    assert "differs from that of its primary pg" in problem.message
    assert "another" not in str(problem)


def test_streaming_from_the_primary_needs_barman_3_10():
    found = problems(
        None,
        {"barman_version": "3.9.0"},
        more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2")},
    )
    (problem,) = found
    assert (problem.host, problem.variable) == ("pg-2", "barman_primary")
    assert "its WAL is streamed from pg, for which Barman 3.10 is needed, and backup has 3.9" in problem.message
    assert problem.instead == "use Barman 3.10 or later, or write barman_wal: [archiving]"
    good(
        None,
        {"barman_version": "3.9.0"},
        more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg", barman_wal=["archiving"])},
    )


def test_two_archives_from_one_primary():
    problem = only_problem(
        {"barman_wal": ["archiving"]},
        more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg", barman_wal=["archiving"])},
    )
    assert problem.host == "pg-2"
    assert "archiving would come from pg, which archives for pg already" in problem.message


def test_two_synchronous_receivers_with_one_name():
    standby = pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2", barman_synchronous=True)
    problem = only_problem({"barman_synchronous": True}, more_pg={"pg-2": standby})
    assert (problem.host, problem.variable) == ("pg-2", "barman_synchronous")
    good(
        {"barman_synchronous": True},
        more_pg={"pg-2": {**standby, "barman_options": {"streaming_archiver_name": "barman_2"}}},
    )


def test_a_receiver_with_the_name_of_a_synchronous_one():
    standby = pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2")
    problem = only_problem({"barman_synchronous": True}, more_pg={"pg-2": standby})
    assert (problem.host, problem.variable) == ("pg-2", "barman_options.streaming_archiver_name")
    assert "same receiver name as pg" in problem.message


@pytest.mark.parametrize("name", ["vault", "barman-eu", 'barman"', "Barman"])
def test_a_synchronous_receiver_whose_name_could_be_anybodys(name):
    problem = only_problem({"barman_synchronous": True, "barman_options": {"streaming_archiver_name": name}})
    assert (problem.host, problem.variable) == ("pg", "barman_options.streaming_archiver_name")
    assert "begins with barman" in problem.instead


@pytest.mark.parametrize(
    ("source", "passive", "since"),
    [
        ("3.13.3", "3.4.0", "3.12.1"),
        ("3.12.0", "3.10.1", "3.11"),
        ("3.12.1", "3.11.1", "3.12.1"),
        ("3.20.1", "3.13.3", "3.14"),
    ],
)
def test_a_passive_node_that_is_older_than_its_source(source, passive, since):
    problem = only_problem(
        {"barman_passive_servers": ["backup-2"]},
        {"barman_version": source},
        more_backup={"backup-2": backup("198.51.100.12", barman_version=passive)},
    )
    assert (problem.host, problem.variable) == ("backup-2", "barman_version")
    assert f"since {since} Barman describes a backup with more data" in problem.message


def test_a_source_that_reports_servers_without_their_names():
    def warned(version):
        found = good(
            {"barman_passive_servers": ["backup-2"]},
            {"barman_version": version},
            more_backup={"backup-2": backup("198.51.100.12")},
        )
        return [one for one in found.warnings if "before 3.17 Barman fails on the passive node" in one]

    assert len(warned("3.16.2")) == 1
    assert warned("3.15.0") == warned("3.17.0") == []


@pytest.mark.parametrize(
    ("source", "passive"),
    [
        ("3.4.0", "3.20.1"),
        ("3.13.1", "3.13.3"),
        ("3.13.3", "3.13.1"),
        ("3.13.3", "3.12.1"),
        ("3.12.0", "3.11.0"),
        ("3.20.1", "3.14.0"),
    ],
)
def test_a_passive_node_that_understands_its_source(source, passive):
    good(
        {"barman_passive_servers": ["backup-2"]},
        {"barman_version": source},
        more_backup={"backup-2": backup("198.51.100.12", barman_version=passive)},
    )


def test_a_passive_node_that_cannot_read_the_compression():
    found = problems(
        {"barman_passive_servers": ["backup-2"], "barman_options": {"compression": "zstd"}},
        {"barman_version": "3.12.0"},
        more_backup={"backup-2": backup("198.51.100.12", barman_version="3.11.1")},
    )
    assert [(problem.host, problem.variable) for problem in found] == [("backup-2", "barman_version")]
    assert "replicating pg: compression can be zstd since Barman 3.12 only" in found[0].message


def test_warnings_that_are_no_mistakes():
    same_machine = good(more_pg={"backup": pg("198.51.100.11")})
    assert any("what destroys one destroys both" in warning for warning in same_machine.warnings)
    same_zone = good(
        {"barman_passive_servers": ["backup-2"]},
        {"barman_zone": "eu"},
        more_backup={"backup-2": backup("198.51.100.12", barman_zone="eu")},
    )
    assert any("in the same zone, eu" in warning for warning in same_zone.warnings)
    unresolved = good({"ansible_host": None}, {"ansible_host": None})
    assert [warning.split(":")[0] for warning in unresolved.warnings] == ["backup", "pg"]
    newer = good(None, {"barman_version": "4.0.0"})
    assert "is newer than 3.20.1" in newer.warnings[0]
    deprecated = good({"barman_options": {"compression": "pygzip"}}, {"barman_version": "3.19.1"})
    assert "pygzip is deprecated since Barman 3.16; write gzip." in deprecated.warnings[0]


ENCRYPTION = {
    "encryption": "gpg",
    "encryption_key_id": "x",
    "encryption_passphrase_command": "cat /x",
    "backup_compression": "gzip",
    "backup_compression_format": "tar",
}


def test_encrypted_wal_arrives_in_one_way():
    problem = only_problem({"barman_wal": ["streaming", "archiving"], "barman_options": ENCRYPTION})
    assert (problem.host, problem.variable) == ("pg", "barman_wal")
    assert "has two methods, and encryption is gpg" in problem.message
    assert problems({"barman_wal": ["archiving"], "barman_options": ENCRYPTION}) == []
    assert problems({"barman_wal": ["streaming"], "barman_options": ENCRYPTION}) == []
