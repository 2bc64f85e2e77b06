# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an existing Barman would lose if its configuration became as declared, and the variables that keep it.

This module util is private to the collection. Pure: existing and declared configuration in, problems and warnings out.
"""

from __future__ import annotations

import getopt
import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.masking import mask
from .._barman.option_table import DIRECTORIES, OPTIONS
from .._barman.options import parse_bool
from .._host.paths import normal_path

#: Barman knows one way of copying now; a passive node's connection follows from its source; and the name of a cluster is the entry's.
_NOT_COMPARED = frozenset(("backup_options", "primary_ssh_command", "cluster"))
_CONNECTIONS = ("conninfo", "streaming_conninfo", "wal_conninfo", "wal_streaming_conninfo", "primary_conninfo")
#: Options that have no effect on a server that Barman does not stream from.
_OF_STREAMING = ("slot_name", "streaming_conninfo")
_COMPARED_PARAMETERS = ("host", "port", "user", "dbname", "sslmode")
_PARAMETER_VARIABLES = {
    "host": "barman_postgres_host",
    "port": "barman_postgres_port",
    "dbname": "barman_postgres_database",
    "sslmode": "barman_sslmode",
}
#: Of a command of ssh, with the variables that set them.
_SSH_PARTS = {"user": "barman_postgres_os_user", "host": "barman_address", "port": "barman_ssh_port"}
#: They change neither the host that is reached nor who is authorized.
_SSH_HABITS = ("batchmode", "connecttimeout", "serveralive")
_DEFAULTS = {"active": "true", "minimum_redundancy": "0", "backup_method": "rsync", "streaming_archiver": "false"}
_VARIABLES = {
    "backup_method": "barman_backup_method",
    "minimum_redundancy": "barman_minimum_redundancy",
    "path_prefix": "barman_client_directory",
    "retention_policy": "barman_retention_policy",
    "reuse_backup": "barman_incremental",
    "slot_name": "barman_slot_name",
}
#: Options of [barman] that decide what Barman has, and the variables that set them.
_GLOBAL_VARIABLES = {
    "barman_home": "barman_home",
    "barman_user": "barman_user",
    "configuration_files_directory": "barman_configuration_directory",
}


@dataclass(frozen=True)
class DeclaredEntry:
    """A server's entry as declared. given: the options whose values the inventory sets itself, the rest are defaults."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    given: Collection[str] = ()


@dataclass(frozen=True)
class DeclaredBarman:
    """The declared configuration. given: the global options that the inventory sets itself. adopt: foreign entries are taken over."""

    global_options: Mapping[str, Any]
    entries: Sequence[DeclaredEntry] = ()
    given: Collection[str] = ()
    adopt: bool = False


@dataclass(frozen=True)
class Home:
    """The directory that is to be Barman's home. owner: the name of the user who owns it. entries: what it has, but for lost+found."""

    path: str
    owner: str
    entries: int


@dataclass(frozen=True)
class ExistingBarman:
    """What is on the host. ours: the names of the entries that this collection made. filled: the directories that have something in them."""

    configuration: Configuration
    ours: Collection[str] = ()
    filled: Collection[str] = ()


def problems_of(existing: ExistingBarman | None, home: Home | None, declared: DeclaredBarman) -> list[str]:
    """Why the declared configuration must not replace the existing one, each with the variable that keeps what is there."""
    found = _home_problems(home, existing, declared)
    if existing is None:
        return found
    found.extend(_global_problems(existing, declared))
    entries = {entry.name: entry for entry in declared.entries}
    for name, server in sorted(existing.configuration.servers.items()):
        entry = entries.get(name)
        if entry is not None:
            found.extend(_entry_problems(server, entry, existing, declared))
        elif not _keeps_directory(server, existing, declared):
            found.append(
                (
                    "server '{}', which the inventory does not declare, has its backups in {}, and Barman would "
                    "search for "
                    "them in {}"
                ).format(name, server.directory("backup_directory"), _default_directory(name, declared))
            )
    return found


def warnings_of(existing: ExistingBarman | None, declared: DeclaredBarman) -> list[str]:
    """What the inventory changes on purpose, and what stays behind."""
    if existing is None:
        return []
    found = []
    for entry in declared.entries:
        server = existing.configuration.servers.get(entry.name)
        if server is None or entry.name in existing.ours:
            continue
        slot = server.get("slot_name")
        if slot and slot != str(entry.options.get("slot_name") or "") and "slot_name" in entry.given:
            found.append(
                f"server '{entry.name}': the replication slot {slot} of the entry that is taken over stays on the "
                "PostgreSQL server and keeps WAL there. If its "
                f"receiver has moved to the new slot, drop it: SELECT pg_drop_replication_slot('{slot}')"
            )
    return found


def _home_problems(home: Home | None, existing: ExistingBarman | None, declared: DeclaredBarman) -> list[str]:
    if home is None or not home.entries or home.owner == str(declared.global_options.get("barman_user")):
        return []
    if existing is not None and normal_path(existing.configuration.home) == home.path:
        return []
    return [
        (
            f"barman_home: {home.path} is not empty, belongs to user '{home.owner}', and is not a home of Barman: it "
            "would become Barman's "
            "alone. Set an empty directory, or one that does not exist"
        )
    ]


def _global_problems(existing: ExistingBarman, declared: DeclaredBarman) -> list[str]:
    found = []
    old_options = existing.configuration.global_options
    for name, desired in sorted(declared.global_options.items()):
        old = old_options.get(name) or ""
        if not old or _same(name, old, desired):
            continue
        if name not in _GLOBAL_VARIABLES and existing.ours:
            # The section is managed already, and this was changed in the inventory or manually.
            continue
        variable = _GLOBAL_VARIABLES.get(name)
        shown = f"{variable}: {old}" if variable else f"barman_global_options: {{{name}: {_yaml(old)}}}"
        if name not in declared.given:
            found.append(
                f"[barman] {name} is {old} and would become {_shown(name, desired)}: set {shown} for this backup "
                "server in the inventory to keep it"
            )
        elif name == "configuration_files_directory":
            lost = sorted(
                server.name
                for server in existing.configuration.servers.values()
                if normal_path(os.path.dirname(server.file)) == normal_path(os.path.expanduser(old))
            )
            if lost:
                found.append(
                    (
                        "[barman] {} is {} and would become {}: Barman would not read the entries of {} any more. "
                        "Move their files "
                        "there, or set {}"
                    ).format(name, old, desired, ", ".join(lost), shown)
                )
    return found


def _is_refused(name: str, existing: ExistingBarman, declared: DeclaredBarman) -> bool:
    """Whether a change of that option of [barman] is a problem of its own."""
    if not existing.configuration.global_options.get(name) or name in declared.given:
        return False
    return name in _GLOBAL_VARIABLES or not existing.ours


def _entry_problems(
    server: ServerConfiguration, entry: DeclaredEntry, existing: ExistingBarman, declared: DeclaredBarman
) -> list[str]:
    """Of an entry of ours only a move of its directories counts: everything else is the inventory's."""
    ours = server.name in existing.ours
    desired = effective_options(entry, existing, declared)
    found = []
    for name in sorted({*server.options, *desired}):
        if (
            name in entry.given
            or (ours and name not in DIRECTORIES)
            or not _is_loss(name, server, desired, existing, entry.given)
        ):
            continue
        found.append(
            f"{name} is {_shown(name, server.get(name))} and would become {_shown(name, desired.get(name))}; "
            f"{_keeps(name, server, desired)} keeps it"
        )
    found = [*dict.fromkeys(found)]
    where = f"server '{server.name}' ({server.file})"
    if ours:
        return [f"{where}: {text}" for text in found]
    if not declared.adopt:
        rest = f": {'; '.join(found)}" if found else ""
        return [
            (
                "{} was not created by this collection. Set barman_adopt: true to take it over (a copy is kept), or "
                "remove "
                "the server from that file. Options of that server that the inventory does not set{}"
            ).format(where, rest or ": nothing")
        ]
    return [f"{where}, which barman_adopt takes over: {text}" for text in found]


def _parameter(name: str, parameter: str) -> str:
    """The name by which a parameter of a connection string is given."""
    streaming = parameter == "user" and name in ("streaming_conninfo", "wal_streaming_conninfo")
    return f"{'streaming_conninfo' if streaming else 'conninfo'}.{parameter}"


def _is_loss(
    name: str,
    server: ServerConfiguration,
    desired: Mapping[str, str],
    existing: ExistingBarman,
    given: Collection[str],
) -> bool:
    if name in _NOT_COMPARED or (name in OPTIONS and not OPTIONS[name].in_server) or name not in OPTIONS:
        return False
    if name in _OF_STREAMING and not _uses(name, server):
        return False
    old = _value(name, server)
    new = desired.get(name, "") or _DEFAULTS.get(name, "")
    if name in DIRECTORIES:
        return old in existing.filled and normal_path(old) != normal_path(new)
    if name in _CONNECTIONS:
        return any(
            one
            and one != other
            and _parameter(name, parameter) not in given
            # A replication connection has no database.
            and not (parameter == "dbname" and "streaming" in name)
            for parameter, one, other in zip(_COMPARED_PARAMETERS, _parameters(old), _parameters(new))
        )
    if name == "ssh_command":
        return bool(_ssh_differences(old, new, given))
    if name == "minimum_redundancy":
        return old.isdigit() and (not new.isdigit() or int(new) < int(old))
    if name == "retention_policy":
        # Without one Barman deletes nothing.
        return not _same(name, old, new)
    return bool(old) and not _same(name, old, new)


def _uses(name: str, server: ServerConfiguration) -> bool:
    """Whether Barman uses an option of streaming for that server at all."""
    by_backup = name == "streaming_conninfo" and server.get("backup_method") == "postgres"
    return server.flag("streaming_archiver") or by_backup


def _value(name: str, server: ServerConfiguration) -> str:
    if name == "archiver" and not server.flag("streaming_archiver"):
        # Barman turns it on if WAL came by no other way.
        return "true"
    return server.get(name) or _DEFAULTS.get(name, "")


def effective_options(entry: DeclaredEntry, existing: ExistingBarman, declared: DeclaredBarman) -> dict[str, str]:
    """The declared entry's options with those that it inherits from the [barman] section as it would be, and its directories."""
    old = existing.configuration.global_options
    # What would change there by a default is refused for itself, and not once more for each entry that inherits it.
    changes = {
        name: value for name, value in declared.global_options.items() if not _is_refused(name, existing, declared)
    }
    section = {**old, **_texts(changes)}
    inherited = {name: text for name, text in section.items() if name in OPTIONS and OPTIONS[name].in_global}
    options = {**inherited, **_texts(entry.options)}
    known = {"barman_home": section.get("barman_home") or "/var/lib/barman", "name": entry.name}
    for name in DIRECTORIES:
        default = str(OPTIONS[name].default)
        options[name] = options.get(name) or default % {**known, **options}
        known[name] = options[name]
    return options


def _keeps(name: str, server: ServerConfiguration, desired: Mapping[str, str]) -> str:
    """What to write in the inventory to keep an option."""
    old = server.get(name) or ""
    if name == "ssh_command":
        differing = _ssh_differences(old, desired.get(name, ""), ())
        if "options" not in differing:
            return "; ".join(f"{_SSH_PARTS[part]}: {_yaml(value)}" for part, value in differing.items())
    if name in ("archiver", "streaming_archiver"):
        methods = ["streaming"] if server.flag("streaming_archiver") else []
        methods += ["archiving"] if parse_bool(_value("archiver", server)) else []
        return f"barman_wal: [{', '.join(methods)}]"
    if name == "reuse_backup":
        return f"barman_incremental: {old if old in ('link', 'copy') else 'none'}"
    if name in _VARIABLES:
        return f"{_VARIABLES[name]}: {_yaml(old)}"
    if name in ("wal_conninfo", "wal_streaming_conninfo", "primary_conninfo"):
        return "barman_primary"
    if name in _CONNECTIONS:
        user = "barman_streaming_user" if name == "streaming_conninfo" else "barman_postgres_user"
        return "; ".join(
            f"{_PARAMETER_VARIABLES.get(parameter, user)}: {value}"
            for parameter, value in zip(_COMPARED_PARAMETERS, _parameters(old))
            if value
        )
    return f"barman_options: {{{name}: {_yaml(old)}}}"


def _ssh_differences(old: str, new: str, given: Collection[str]) -> dict[str, str]:
    """The parts of the old command that the new one has not, with their old values. Without a new one nothing needs SSH."""
    if not old or not new:
        return {}
    one, other = ssh_parts(old), ssh_parts(new)
    return {
        part: value
        for part, value in one.items()
        if value and value != other[part] and "ssh_command" not in given and f"ssh_command.{part}" not in given
    }


def ssh_parts(command: str) -> dict[str, str]:
    """User, host, port, and the options that matter of a command of ssh, as ssh reads them. What can't be read is an option."""
    try:
        words = shlex.split(command)[1:]
        chosen, rest = getopt.gnu_getopt(words, "46AaCfGgKkMNnqsTtVvXxYyB:b:c:D:E:e:F:I:i:J:L:l:m:O:o:P:p:Q:R:S:W:w:")
    except (ValueError, getopt.GetoptError):
        return {"user": "", "host": "", "port": "", "options": command}
    user, dummy, host = rest[0].rpartition("@") if rest else ("", "", "")
    parts = {"user": user, "host": host, "port": "22", "options": ""}
    others = []
    for option, value in chosen:
        if option in ("-p", "-l"):
            parts["port" if option == "-p" else "user"] = value
        elif option not in ("-q", "-T", "-x") and not value.lower().startswith(_SSH_HABITS):
            others.append((option + " " + value).strip())
    return {**parts, "options": " ".join([*sorted(others), *rest[1:]])}


def _parameters(conninfo: str) -> tuple[str, ...]:
    """The compared parameters of a connection string, as Barman takes it apart: at every blank."""
    words = dict(word.split("=", 1) for word in conninfo.split() if "=" in word)
    found = {name: value.strip("'") for name, value in words.items()}
    return tuple(found.get(name, "5432" if name == "port" and found else "") for name in _COMPARED_PARAMETERS)


def _keeps_directory(server: ServerConfiguration, existing: ExistingBarman, declared: DeclaredBarman) -> bool:
    """Whether an undeclared server keeps its directory: it is written in its entry, or the home stays, or nothing is there."""
    old = server.directory("backup_directory")
    if normal_path(old) != normal_path(f"{existing.configuration.home}/{server.name}"):
        return True
    return normal_path(old) == normal_path(_default_directory(server.name, declared)) or old not in existing.filled


def _default_directory(name: str, declared: DeclaredBarman) -> str:
    return f"{declared.global_options.get('barman_home') or '/var/lib/barman'}/{name}"


def _texts(options: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): "" if value is None else _text(value) for name, value in options.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _same(name: str, one: Any, other: Any) -> bool:
    first, second = _text(one).strip(), _text(other if other is not None else "").strip()
    if first.startswith("/") or second.startswith("/"):
        return normal_path(os.path.expanduser(first)) == normal_path(os.path.expanduser(second))
    if name == "retention_policy":
        return " ".join(first.upper().split()) == " ".join(second.upper().split())
    flags = parse_bool(first), parse_bool(second or "false")
    if flags[0] is not None and flags[0] == flags[1]:
        return True
    return first.lower() == second.lower()


def _shown(name: str, value: Any) -> str:
    text = _text(value if value is not None else "")
    return mask(f"{name} = {text}").partition(" = ")[2] or "not set"


def _yaml(text: str) -> str:
    return "''" if not text else text if re.fullmatch(r"[\w./-]+", text) else "'{}'".format(text.replace("'", "''"))


#: A command of cron that starts a backup or Barman's own maintenance.
_COMMAND = re.compile(r"\bbarman\b(?:\s+-\S+)*\s+(?P<command>backup|cron)\b")


def foreign_schedules(files: Mapping[str, str], package_file: str, own_file: str) -> list[str]:
    """A sentence for each line, by file of cron or of a timer's unit, that has Barman take backups or run cron, and is neither the package's nor ours."""
    found = []
    for path, text in sorted(files.items()):
        ours = False
        for line in text.splitlines():
            if path == own_file and line in ("# BEGIN pgdr.barman", "# END pgdr.barman"):
                ours = line.startswith("# BEGIN")
            command = None if ours or line.lstrip().startswith("#") else _COMMAND.search(line)
            if command and not (path == package_file and command.group("command") == "cron"):
                found.append(
                    "{} also runs barman {}: '{}'. Remove that line if the inventory's schedule is to be the only "
                    "one (barman_backup_schedule)".format(path, command.group("command"), mask(" ".join(line.split())))
                )
    return found
