# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Having the installed Barman read a configuration before it is live, and moving it in place.

This module util is private to the collection. Barman has no command that checks its configuration, it answers an
unknown option or a wrong value with a warning and its default, and one broken file stops the backups of every server.
"list-servers" is what makes it read everything without connecting to PostgreSQL or making directories; some complaints
go to its log only, so that is put beside.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .._host.files import read_text, rewrite, write_atomic
from .._host.process import HostError, lookup_user
from .command import Barman
from .options import SECRET_OPTIONS
from .server_files import ENTRY_MODE, Change, Current, Desired, Plan, mask, set_options

_SECTION_OF = re.compile(r"in \[(?P<a>[^\]]+)\] section|\bserver ['\"](?P<b>[^'\"]+)['\"]")
_LOGGED = re.compile(r"\b(?:WARNING|ERROR):? (?P<text>(?:Invalid|Unsupported|Negative value)\b.*)")
_IGNORED_VALUE = re.compile(r"Ignoring invalid configuration value '.*' for key (?P<key>\w+) in .*", re.DOTALL)
_UNQUOTED_PART = re.compile(r"(after|near) \"[^\"]*\"")
_DISABLED = "(WARNING: disabled)"
# What goes together with another message that names the server.
_ECHOES = ("Forcing 'archiver = on'",)
_NO_BACKUP = "none"


@dataclass(frozen=True)
class Reading:
    """What Barman says to a configuration: problems with what is declared, warnings about the rest."""

    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()


def read_aside(barman: Barman, current: Current, plan: Plan, desired: Desired) -> Reading:
    """Have Barman read the configuration as it would be. Raises HostError where Barman can't be run at all."""
    with _staged(barman.user, current, plan) as directory:
        staged = barman.with_config(os.path.join(directory, "barman.conf"))
        reply = staged.json("list-servers", timeout=300)
        said = [*reply.warnings, *_logged(read_text(os.path.join(directory, "barman.log")) or "")]
        ours = {entry.name for entry in desired.entries if entry.present}
        disabled = sorted(name for name, answer in reply.data.items() if _DISABLED in str(answer.get("description")))
        reasons = {name: _reason(staged, name) for name in disabled if name in ours}
    if desired.global_options is not None:
        ours.add("barman")
    problems = ["Barman refuses the configuration: %s" % _clean(text, directory) for text in reply.errors]
    if not reply.ok and not problems:
        problems.append("Barman refuses the configuration: %s" % _clean(reply.reason, directory))
    warnings: list[str] = []
    for text in dict.fromkeys(said):
        sections = _sections(text)
        if text in _ECHOES:
            continue
        (problems if ours.intersection(sections) else warnings).append("Barman says: %s" % _clean(text, directory))
    problems.extend(
        "server '%s': Barman would disable it: %s" % (name, _clean(reason, directory))
        for name, reason in reasons.items()
    )
    warnings.extend(
        "server '%s', which is not declared here, is disabled by Barman" % name
        for name in disabled
        if name not in reasons
    )
    if reply.ok:
        problems.extend(
            "server '%s': Barman does not see it" % name for name in sorted(ours - {"barman"} - set(reply.data))
        )
    return Reading(problems, warnings)


def apply(plan: Plan, current: Current, user: str, stamp: str) -> list[str]:
    """Move the planned files in place, each atomically; where one can't be, the others are put back.

    stamp goes into the names of the backups. Returns the backups' paths. Raises HostError.
    """
    backups: list[str] = []
    done: list[tuple[Change, os.stat_result | None]] = []
    # New files first: a server that moves from one file to another is never missing.
    ordered = sorted(plan.changes, key=lambda change: change.after is None)
    try:
        _make_directory(current.directory)
        for change in ordered:
            found = os.stat(change.path) if change.before is not None else None
            if change.backup and found is not None:
                backups.append(_keep_aside(change.path, found, stamp))
            done.append((change, found))
            _put(change, user)
    except (HostError, OSError) as exc:
        left = _put_back(done)
        for path in backups:
            with contextlib.suppress(OSError):
                os.unlink(path)
        raise HostError(
            "%s; %s"
            % (exc, "these files could not be put back: %s" % ", ".join(left) if left else "nothing was changed")
        ) from None
    return backups


def _put(change: Change, user: str) -> None:
    if change.after is None:
        os.unlink(change.path)
    elif change.entry:
        write_atomic(change.path, change.after, ENTRY_MODE, user)
    elif change.before is None:
        write_atomic(change.path, change.after, 0o644)
    else:
        rewrite(change.path, change.after)


def _put_back(done: Iterable[tuple[Change, os.stat_result | None]]) -> list[str]:
    left: list[str] = []
    for change, found in reversed(list(done)):
        try:
            if change.before is not None and found is not None:
                rewrite(change.path, change.before, found)
            elif os.path.exists(change.path):
                os.unlink(change.path)
        except (HostError, OSError):
            left.append(change.path)
    return left


def _keep_aside(path: str, found: os.stat_result, stamp: str) -> str:
    # Not ending in .conf: Barman would read it.
    aside = "%s.%s~" % (path, stamp)
    shutil.copy2(path, aside)
    if os.geteuid() == 0:
        os.chown(aside, found.st_uid, found.st_gid)
    return aside


def _make_directory(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
    except OSError as exc:
        raise HostError("%s can't be made: %s" % (directory, exc.strerror)) from None


@contextlib.contextmanager
def _staged(user: str, current: Current, plan: Plan) -> Iterator[str]:
    """A directory that only Barman's user can read, with the configuration as it would be."""
    with tempfile.TemporaryDirectory(prefix="barman-configuration-") as directory:
        servers = os.path.join(directory, "barman.d")
        os.mkdir(servers, 0o700)
        after: dict[str, str | None] = {path: file.text for path, file in current.files.items()}
        main = current.main or ""
        for change in plan.changes:
            if change.path == current.main_file:
                main = change.after or ""
            else:
                after[change.path] = change.after
        staging = {
            "configuration_files_directory": servers,
            "log_file": os.path.join(directory, "barman.log"),
            "log_level": "WARNING",
        }
        write_atomic(os.path.join(directory, "barman.conf"), set_options(main, "barman", staging), ENTRY_MODE, user)
        for path, text in after.items():
            if text is not None:
                write_atomic(os.path.join(servers, os.path.basename(path)), text, ENTRY_MODE, user)
        if os.geteuid() == 0:
            account = lookup_user(user)
            for path in (servers, directory):
                os.chown(path, account.pw_uid, account.pw_gid)
        yield directory


def _reason(staged: Barman, name: str) -> str:
    """Why Barman disables a server: it says so only to a command for that server. There is no such backup."""
    reply = staged.json("check-backup", name, _NO_BACKUP, timeout=60)
    return "; ".join(reply.errors) or "it does not say why"


def _logged(log: str) -> list[str]:
    return [found.group("text") for found in map(_LOGGED.search, log.splitlines()) if found]


def _sections(text: str) -> set[str]:
    return {found.group("a") or found.group("b") for found in _SECTION_OF.finditer(text)}


def _clean(text: str, directory: str) -> str:
    """A message without passwords and without the name of the directory that is gone when it is read."""
    found = _IGNORED_VALUE.fullmatch(text)
    if found and found.group("key") in SECRET_OPTIONS:
        return "the value of %s is invalid and would be ignored" % found.group("key")
    text = _UNQUOTED_PART.sub(r"\1 a part of it", text)
    return mask(text).replace(directory + os.sep, "")
