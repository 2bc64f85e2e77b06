# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate a configuration with the installed Barman before it is live, and move it in place.

This module util is private to the collection. Barman has no command that checks its configuration. For an unknown
option or a wrong value, it prints a warning and uses its default. One broken file stops the backups of every server.
"list-servers" reads everything, and neither connects to PostgreSQL nor creates directories. Some errors are only in
Barman's log, so a log of its own is read, too.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from .._barman import configuration
from .._barman.command import Barman
from .._barman.masking import mask_message
from .._barman.option_table import SECRET_OPTIONS
from .._barman.programs import missing_program
from .._barman.versions import NEWEST, Version
from .._host.files import read_text, rewrite, write_atomic
from .._host.identity import acting_as
from .._host.process import HostError
from .._host.safe_files import make_directories, reason, remove_file, temporary_directory, write_file
from .._postgres.reachability import Reach, probe
from .entries import (
    COPY_MAIN_FILE,
    ENTRY_MODE,
    ConfigurationPlan,
    CurrentConfiguration,
    DesiredConfiguration,
    FileChange,
    is_there,
    needs_version,
)
from .entry_reachability import unreachable
from .observe import read_current, write_copy
from .plan import option_problems, option_warnings, plan
from .report import replaced_options

_SECTION_OF = re.compile(r"in \[(?P<a>[^\]]+)\] section|\bserver ['\"](?P<b>[^'\"]+)['\"]")
_LOGGED = re.compile(r"\b(?:WARNING|ERROR):? (?P<text>(?:Invalid|Unsupported|Negative value)\b.*)")
_IGNORED_VALUE = re.compile(r"Ignoring invalid configuration value '.*' for key (?P<key>\w+) in .*", re.DOTALL)
_UNQUOTED_PART = re.compile(r"(after|near) \"[^\"]*\"")
_INVALID_CONNINFO = re.compile(r'".*" is not a valid connection string', re.DOTALL)
_DISABLED = "(WARNING: disabled)"
# A warning that goes together with another one that names the server, and one about a default that is right.
_NOTHING = re.compile(
    r"Forcing 'archiver = on'|No backup strategy set for server .* \(using default 'concurrent_backup'\)"
)
_NO_BACKUP = "none"
# Barman ends there and then, whatever server a command is for.
_MODULE_MISSING = re.compile(r"Missing required python module: (?P<name>[\w-]+)")


@dataclass(frozen=True)
class ConfigurationReading:
    """What Barman reports about a configuration: problems with what is declared, warnings about the rest."""

    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class ConfigurationOutcome:
    """What ensure() did, or would do. If there are problems, nothing was done."""

    plan: ConfigurationPlan
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)


def ensure(
    barman: Barman,
    desired: DesiredConfiguration,
    directory: str | None,
    stamp: str,
    *,
    check_mode: bool = False,
    reach: Callable[[str, str], Reach] = probe,
) -> ConfigurationOutcome:
    """Make the configuration as declared. Barman is run only where something has to change.

    Raises HostError where a file can't be read or written; then nothing was changed either.
    """
    current = read_current(barman.config_file, directory, barman.user, desired.global_options)
    problems: list[str] = []
    warnings: list[str] = []
    version = (
        _version(barman, check_mode=check_mode, problems=problems, warnings=warnings)
        if needs_version(desired)
        else None
    )
    planned = plan(current, desired, version or NEWEST)
    problems.extend(planned.problems)
    warnings.extend(planned.warnings)
    if planned.changed or problems:
        if not needs_version(desired):
            version = _version(barman, check_mode=check_mode, problems=problems, warnings=warnings)
        problems.extend(option_problems(desired, version or NEWEST))
        warnings.extend(option_warnings(desired, version or NEWEST))
    for name, before, after in filter(None, map(replaced_options, planned.changes)):
        problems.extend(unreachable(name, before, after, reach))
    if planned.changed and version:
        problems.extend(filter(None, [missing_program(barman, version)]))
    if planned.changed and version and not problems:
        reading = read_staged_copy(barman, current, planned, desired)
        problems.extend(reading.problems)
        warnings.extend(reading.warnings)
    if problems:
        return ConfigurationOutcome(planned, problems, warnings)
    removed = _left_of(planned.removed, barman)
    slots = [f"{left['name']} ({left['slot_name']})" for left in removed if left.get("slot_name")]
    if slots:
        warnings.append(
            "the replication slots of removed servers may still be on the PostgreSQL servers and keep WAL there: "
            "{}".format(", ".join(slots))
        )
    backups: list[str] = []
    names = [entry.name for entry in desired.entries if entry.present]
    if planned.changed and not check_mode:
        backups = apply(planned, current, barman.user, stamp)
    # Also where the entries are as they should be: an earlier run may have ended between the two.
    if not (planned.changed and check_mode):
        planned = replace(planned, directories=missing_incoming_directories(barman, names))
    if planned.directories and not check_mode:
        make_incoming_directories(planned.directories, barman.user)
    answer: dict[str, Any] = {
        "servers": names,
        "files": [change.path for change in planned.changes],
        "removed": removed,
        "backups": backups,
        "handing_over": dict(planned.handing_over),
        "former_slots": dict(planned.former_slots),
        "unlisted": list(planned.unlisted),
    }
    if version:
        answer["barman_version"] = ".".join(str(part) for part in version)
    return ConfigurationOutcome(planned, (), warnings, answer)


def _version(barman: Barman, *, check_mode: bool, problems: list[str], warnings: list[str]) -> Version | None:
    """The installed version; None where Barman can't be run, which in check mode may only mean not yet."""
    try:
        return barman.version
    except HostError as exc:
        if check_mode:
            warnings.append(f"Barman could not read the configuration before the change: {exc}")
        else:
            problems.append(str(exc))
        return None


def _left_of(names: Sequence[str], barman: Barman) -> list[dict[str, Any]]:
    """What removed servers leave behind, by their entries that still exist."""
    if not names:
        return []
    try:
        servers = configuration.read(barman.config_file, barman.user).servers
    except HostError:
        servers = {}
    left: list[dict[str, Any]] = []
    for name in names:
        item: dict[str, Any] = {"name": name}
        if name in servers:
            directory = servers[name].directory("backup_directory")
            item["backup_directory"] = directory
            item["backup_directory_exists"] = os.path.isdir(directory)
            item["slot_name"] = servers[name].get("slot_name")
        left.append(item)
    return left


def read_staged_copy(
    barman: Barman, current: CurrentConfiguration, planned: ConfigurationPlan, desired: DesiredConfiguration
) -> ConfigurationReading:
    """Have Barman read the configuration as it would be. Raises HostError where Barman can't be run at all."""
    with _staged(barman.user, current, planned) as directory:
        staged = barman.with_config(os.path.join(directory, COPY_MAIN_FILE))
        reply = staged.json("list-servers", timeout=300)
        reported = [*reply.warnings, *_logged(read_text(os.path.join(directory, "barman.log")) or "")]
        ours = {
            entry.name for entry in desired.entries if entry.present and (not entry.merge or is_there(current, entry))
        }
        disabled = sorted(name for name, answer in reply.data.items() if _DISABLED in str(answer.get("description")))
        reasons = {name: _reason(staged, name) for name in disabled if name in ours}
    if desired.global_options is not None:
        ours.add("barman")
    problems = [f"Barman refuses the configuration: {_clean(text, directory)}" for text in reply.errors]
    if not reply.ok and not problems:
        problems.append(f"Barman refuses the configuration: {_clean(reply.reason, directory)}")
    warnings: list[str] = []
    for text in dict.fromkeys(reported):
        if _NOTHING.match(text):
            continue
        sections = _sections(text)
        refused = ours.intersection(sections) and "deprecated" not in text
        (problems if refused else warnings).append(f"Barman reports: {_clean(text, directory)}")
    problems.extend(
        f"server '{name}': Barman would disable it: {_clean(reason, directory)}" for name, reason in reasons.items()
    )
    warnings.extend(
        f"server '{name}', which is not declared here, is disabled by Barman"
        for name in disabled
        if name not in reasons
    )
    if reply.ok:
        problems.extend(
            f"server '{name}': Barman does not find it" for name in sorted(ours - {"barman"} - set(reply.data))
        )
    return ConfigurationReading(problems, warnings)


def apply(planned: ConfigurationPlan, current: CurrentConfiguration, user: str, stamp: str) -> list[str]:
    """Move the planned files in place, each atomically; if one can't be moved, the others are put back.

    stamp goes into the names of the backups. Returns the backups' paths. Raises HostError.
    """
    backups: list[str] = []
    done: list[tuple[FileChange, os.stat_result | None]] = []
    # New files first: a server that moves from one file to another is never missing.
    ordered = sorted(planned.changes, key=lambda change: change.after is None)
    try:
        make_directories(current.directory, 0o755)
        for change in ordered:
            found = os.stat(change.path) if change.before is not None else None
            if change.backup and found is not None:
                backups.append(_keep_aside(change, found, stamp))
            done.append((change, found))
            _put(change, user)
    except (HostError, OSError) as exc:
        left = _put_back(done)
        for path in backups:
            with contextlib.suppress(HostError):
                remove_file(path)
        raise HostError(
            "{}; {}".format(
                exc, "these files could not be restored: {}".format(", ".join(left)) if left else "nothing was changed"
            )
        ) from None
    return backups


def missing_incoming_directories(barman: Barman, names: Sequence[str]) -> dict[str, str]:
    """The directories, by server, that rsync writes to and that are not there."""
    if not names:
        return {}
    servers = configuration.read(barman.config_file, barman.user).servers
    found = {name: servers[name].directory("incoming_wals_directory") for name in names if name in servers}
    with acting_as(barman.user):
        return {
            name: path
            for name, path in found.items()
            if servers[name].flag("archiver") and not servers[name].passive and "://" not in path
            if not os.path.isdir(path)
        }


def make_incoming_directories(missing: Mapping[str, str], user: str) -> None:
    """Have the directories that rsync writes to. Barman makes a new server's at the next run of its cron, which may be too late."""
    with acting_as(user):
        for name, path in missing.items():
            try:
                os.makedirs(path, exist_ok=True)
            except OSError as exc:
                raise HostError(
                    f"server '{name}': {path} can't be created by user '{user}': {reason(path, exc)}"
                ) from None


def _put(change: FileChange, user: str) -> None:
    if change.after is None:
        remove_file(change.path)
    elif change.entry:
        write_atomic(change.path, change.after, ENTRY_MODE, user)
    elif change.before is None:
        write_atomic(change.path, change.after, 0o644)
    else:
        rewrite(change.path, change.after)


def _put_back(done: Iterable[tuple[FileChange, os.stat_result | None]]) -> list[str]:
    left: list[str] = []
    for change, found in reversed(list(done)):
        try:
            if change.before is not None and found is not None:
                rewrite(change.path, change.before, found)
            elif os.path.exists(change.path):
                remove_file(change.path)
        except (HostError, OSError):
            left.append(change.path)
    return left


def _keep_aside(change: FileChange, found: os.stat_result, stamp: str) -> str:
    # Not ending in .conf: Barman would read it.
    aside = f"{change.path}.{stamp}~"
    ids = (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
    write_file(aside, change.before or "", stat.S_IMODE(found.st_mode), ids)
    return aside


@contextlib.contextmanager
def _staged(user: str, current: CurrentConfiguration, planned: ConfigurationPlan) -> Iterator[str]:
    """A directory that only Barman's user can read, with the configuration as it would be."""
    with temporary_directory("barman-configuration-", user) as directory:
        after: dict[str, str | None] = {path: file.text for path, file in current.files.items()}
        main = current.main or ""
        for change in planned.changes:
            if change.path == current.main_file:
                main = change.after or ""
            else:
                after[change.path] = change.after
        staging = {
            "log_file": os.path.join(directory, "barman.log"),
            "log_level": "WARNING",
        }
        entries = {path: text for path, text in after.items() if text is not None}
        write_copy(directory, user, main, entries, staging)
        yield directory


def _reason(staged: Barman, name: str) -> str:
    """Why Barman disables a server: Barman reports that only to a command for that server. There is no such backup."""
    reply = staged.json("check-backup", name, _NO_BACKUP, timeout=60)
    return "; ".join(reply.errors) or "Barman reports no reason"


def _logged(log: str) -> list[str]:
    return [found.group("text") for found in map(_LOGGED.search, log.splitlines()) if found]


def _sections(text: str) -> set[str]:
    return {found.group("a") or found.group("b") for found in _SECTION_OF.finditer(text)}


def _clean(text: str, directory: str) -> str:
    """A message without passwords and without the name of the directory that is gone when it is read."""
    found = _IGNORED_VALUE.fullmatch(text)
    if found and found.group("key") in SECRET_OPTIONS:
        return f"the value of {found.group('key')} is invalid, and Barman would ignore it"
    text = _INVALID_CONNINFO.sub("its connection string is not valid", text)
    text = _UNQUOTED_PART.sub(r"\1 a part of it", text.replace("\nSee log file for more details.", ""))
    missing = _MODULE_MISSING.search(text)
    if missing:
        return (
            "a server's snapshot_provider needs the Python module {}, which the Python that runs Barman does not have. "
            "Install it there (on Debian python3-boto3 for aws and python3-azure for azure; there is no package for "
            "gcp)"
        ).format(missing.group("name"))
    return mask_message(text).replace(directory + os.sep, "")
