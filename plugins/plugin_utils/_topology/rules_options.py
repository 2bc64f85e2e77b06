# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of Barman's options: of each entry, of the [barman] section, of hook scripts.

Each rule yields what is wrong, and warnings as text. Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._barman import option_combinations, option_table
from ...module_utils._barman import options as barman_options
from ...module_utils._barman.versions import NEWEST, format_version
from . import hooks, retention, schedule
from .entries import (
    IDENTITY_GLOBAL_OPTIONS,
    IDENTITY_OPTIONS,
    derived_options,
    global_options,
)
from .model import BackupServer, PostgresServer, Problem
from .rule import Facts, Findings

#: The variables from which derived options come, except those of the connection.
_DERIVED_FROM: Mapping[str, str] = {
    **IDENTITY_OPTIONS,
    "minimum_redundancy": "barman_minimum_redundancy",
    "path_prefix": "barman_client_directory",
    "retention_policy": "barman_retention_policy",
}


# WAL from elsewhere than the backup.
_STANDBY_SINCE = (3, 10)
_STANDBY_OPTIONS = ("wal_conninfo", "wal_streaming_conninfo")


def entries(facts: Facts) -> Findings:
    """Each server's entry. What is wrong with a global option is reported once, of the first server that it matters to."""
    reported: set[tuple[str, str]] = set()
    for server in facts.pg.values():
        yield from entry(facts, server, reported)


def entry(facts: Facts, server: PostgresServer, reported: set[tuple[str, str]]) -> Findings:
    backup = facts.backups.get(server.backup_server or "")
    if backup is None:
        return
    derived = derived_options(facts.topology, server, backup)
    own = {
        name: value
        for name, value in server.options.items()
        if name not in IDENTITY_OPTIONS or _is_no_reuse(name, value)
    }
    options = {**derived, **own}
    version = min(backup.version or NEWEST, NEWEST)
    for name in sorted(server.options):
        if name in IDENTITY_OPTIONS:
            yield from identity_option(server, name, derived.get(name))
    if server.primary in facts.pg and server.streams and version < _STANDBY_SINCE:
        yield Problem(
            server.host,
            "barman_primary",
            f"its WAL is streamed from {server.primary}, for which Barman {format_version(_STANDBY_SINCE)} is needed, "
            f"and {backup.host} has {format_version(version)}",
            f"use Barman {format_version(_STANDBY_SINCE)} or later, or write barman_wal: [archiving]",
        )
        options = {name: value for name, value in options.items() if name not in _STANDBY_OPTIONS}
    for problem in barman_options.validate(options, version):
        yield from option_problem(server, backup, problem, reported)
    for problem in barman_options.deprecated(server.options, version):
        yield (f"{server.host}: barman_options.{problem.option} {problem.message}; {problem.instead}.")
    together = {**backup.global_options, **options}
    for problem in option_combinations.combination(together, version, server.version or None):
        if problem.option in derived and problem.option in IDENTITY_OPTIONS:
            continue  # reported for the variable already
        yield from option_problem(server, backup, problem, reported)
    yield from encrypted_twice(server, together)
    for problem in option_combinations.without_effect(server.options, together):
        yield from option_problem(server, backup, problem, reported)
    for name in ("retention_policy", "minimum_redundancy"):
        if name in server.options and f"barman_{name}" in server.given:
            yield Problem(
                server.host, f"barman_options.{name}", f"is set, and barman_{name} is too", "remove one of the two"
            )
    yield from redundancy(server, options)
    found = retention.retention_problems(server, together)
    yield from found.warnings
    for problem in found.problems:
        yield from option_problem(server, backup, problem, reported)


def encrypted_twice(server: PostgresServer, options: Mapping[str, Any]) -> Findings:
    """Two WAL methods with encryption. During a move between methods that is accepted, because one of them is removed soon.

    Source: _check_duplicate in barman/wal_archiver.py.
    """
    if str(options.get("encryption", "none")).lower() == "gpg" and len(server.wal) > 1:
        yield Problem(
            server.host,
            "barman_wal",
            "has two methods, and encryption is gpg: Barman can't compare a WAL file with its encrypted copy. It moves each file that arrives a second "
            "time to the directory errors, unencrypted, and its check fails",
            "choose one method, or remove encryption from barman_options",
        )


def identity_option(server: PostgresServer, name: str, derived: Any) -> Findings:
    given = server.options[name]
    if derived is not None and _same(name, given, derived):
        return
    if derived is None and _is_no_reuse(name, given):
        return
    yield Problem(
        server.host,
        f"barman_options.{name}",
        f"contradicts what follows from {IDENTITY_OPTIONS[name]}",
        f"remove it, and set {IDENTITY_OPTIONS[name]}",
    )


def _is_no_reuse(name: str, value: Any) -> bool:
    """Whether it is reuse_backup: off, which means the same as nothing, and stands against a default of the [barman] section."""
    return name == "reuse_backup" and barman_options.choice_text(name, value) == "off"


def option_problem(
    server: PostgresServer, backup: BackupServer, problem: barman_options.Problem, reported: set[tuple[str, str]]
) -> Findings:
    name = problem.option
    if name in server.options:
        yield Problem(server.host, f"barman_options.{name}", problem.message, problem.instead)
    elif name in backup.global_options:
        if name == "parallel_jobs" or (backup.host, name) in reported:
            return
        reported.add((backup.host, name))
        yield Problem(
            backup.host,
            f"barman_global_options.{name}",
            f"{problem.message} (server {server.name})",
            problem.instead,
        )
    elif name in _DERIVED_FROM:
        yield Problem(server.host, _DERIVED_FROM[name], f"Barman's {name} {problem.message}", problem.instead)
    else:
        yield Problem(server.host, f"barman_options.{name}", problem.message, problem.instead)


def redundancy(server: PostgresServer, options: Mapping[str, Any]) -> Findings:
    policy = barman_options.parse_retention(str(options.get("retention_policy") or ""))
    minimum_text = str(options.get("minimum_redundancy"))
    if policy is None or not minimum_text.isdecimal():
        return
    minimum = int(minimum_text)
    minimum_variable = _where(server, "minimum_redundancy")
    policy_variable = _where(server, "retention_policy")
    if policy.redundancy is not None:
        if policy.redundancy == 0:
            yield Problem(server.host, policy_variable, "would keep no backup at all", "write REDUNDANCY 1 or more")
        elif policy.redundancy < minimum:
            yield Problem(
                server.host,
                minimum_variable,
                f"is {minimum}, so the retention policy of {policy.redundancy} is never reached",
                f"write {policy.redundancy} or less, or REDUNDANCY {minimum}",
            )
    elif policy.days is not None:
        if policy.days == 0:
            yield Problem(server.host, policy_variable, "is a window of no time", "write 1 DAYS or more")
            return
        text = server.backup_schedule
        within = schedule.redundancy_within(schedule.parse_cron(text), policy.days) if text else None
        if within is not None and minimum > within:
            yield Problem(
                server.host,
                minimum_variable,
                f"is {minimum}, and the window of {policy.days} days holds {within} backups by the schedule: older "
                "ones are kept for ever, and the window means nothing",
                f"write {within} or less, a longer window, or a schedule with more backups",
            )


def global_options_of(_facts: Facts, backup: BackupServer) -> Findings:
    version = min(backup.version or NEWEST, NEWEST)
    if backup.version is not None and backup.version > NEWEST:
        yield (
            f"{backup.host}: Barman {format_version(backup.version)} is newer than {format_version(NEWEST)}, the "
            "newest that is known here; its options are checked as that one's."
        )
    base = global_options(BackupServer(**{**_fields(backup), "global_options": {}}))
    for name, value in sorted(backup.global_options.items()):
        if name in IDENTITY_GLOBAL_OPTIONS:
            if not _same(name, value, base[name]):
                variable = IDENTITY_GLOBAL_OPTIONS[name]
                yield Problem(
                    backup.host,
                    f"barman_global_options.{name}",
                    f"contradicts {variable}",
                    f"remove it, and set {variable}",
                )
        elif name in IDENTITY_OPTIONS and name not in ("reuse_backup",) and option_table.OPTIONS[name].in_global:
            yield Problem(
                backup.host,
                f"barman_global_options.{name}",
                "is decided for each server",
                f"remove it, and set {IDENTITY_OPTIONS[name]} on the servers",
            )
    for problem in barman_options.deprecated(backup.global_options, version, option_table.GLOBAL):
        yield (f"{backup.host}: barman_global_options.{problem.option} {problem.message}; {problem.instead}.")
    for problem in barman_options.validate(backup.global_options, version, option_table.GLOBAL):
        yield Problem(backup.host, f"barman_global_options.{problem.option}", problem.message, problem.instead)


def hook_scripts(facts: Facts, server: PostgresServer) -> Findings:
    """What a server that nobody keeps inherits of hooks has no effect, and may be meant for others."""
    backup = facts.backups.get(server.backup_server or "")
    if backup is None:
        return
    yield from own_hooks(server.host, server.declared_hooks, server.options, "barman_options")
    all_hooks = {**backup.hooks, **server.hooks}
    options = {**backup.global_options, **server.options}
    for variable, message, instead in hooks.misfits(all_hooks, server.hooks, server.method, options):
        yield Problem(server.host, variable, message, instead)


def global_hooks(_facts: Facts, backup: BackupServer) -> Findings:
    """The hooks that are every server's here."""
    yield from own_hooks(backup.host, backup.declared_hooks, backup.global_options, "barman_global_options")


def own_hooks(host: str, declared: hooks.Declared, options: Mapping[str, Any], variable: str) -> Findings:
    for where, message, instead in hooks.conflicts(declared, options, variable):
        yield Problem(host, where, message, instead)
    for where, message in hooks.unguarded(options, variable):
        yield (f"{host}: {where} {message}.")


def _fields(backup: BackupServer) -> dict[str, Any]:
    return {name: getattr(backup, name) for name in backup.__dataclass_fields__}


def _where(server: PostgresServer, option: str) -> str:
    return f"barman_options.{option}" if option in server.options else f"barman_{option}"


def _same(name: str, one: Any, other: Any) -> bool:
    if isinstance(other, bool):
        return barman_options.parse_bool(one) == other
    return str(one) == str(other)
