# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that role ssh_trust writes in a user's C(authorized_keys), and which of them nobody asks for any more.

This module util is private to the collection. A line of the role begins with C(restrict), and its comment is
C(pgdr.barman:PURPOSE:USER@HOST). A recovery's line has its run's id behind that, and belongs to that run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import ssh_file
from .installed import missing_users
from .process import HostError
from .result import Result, file_diff
from .safe_files import ids_of, make_directories, write_file
from .ssh_file import SshFile

_LINE = re.compile(
    r"restrict\b.* (?:ssh|ecdsa|sk)-\S+ (?P<key>\S+) pgdr\.barman:(?P<purpose>[^: ]+):(?P<user>[^@ ]+)@(?P<host>[^: ]+)"
)
_RECOVERY = "recovery"


@dataclass(frozen=True)
class Authorization:
    """Who is authorized: a user of a host, for a purpose. key: the public key in base64; empty if this run does not know it."""

    key: str
    purpose: str
    user: str
    host: str

    @property
    def comment(self) -> str:
        return f"{self.purpose}:{self.user}@{self.host}"


@dataclass(frozen=True)
class AuthorizedKeysPlan:
    """The file's text before and after. removed: the lines that go. unknown: those that stay, of hosts that are not declared."""

    before: str
    after: str
    removed: tuple[Authorization, ...] = ()
    unknown: tuple[Authorization, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after


def parse(line: str) -> Authorization | None:
    """Whom a line of the role authorizes; None for anybody else's line, and for one of a recovery's run."""
    found = _LINE.fullmatch(line.rstrip())
    if found is None:
        return None
    return Authorization(found["key"], found["purpose"], found["user"], found["host"])


def plan(
    text: str, desired: Collection[Authorization], revocable: Collection[str], declared: Collection[str]
) -> AuthorizedKeysPlan:
    """Remove the lines of revocable hosts that are not desired. declared: the topology's hosts; nothing of another one is removed."""
    keys: dict[str, set[str]] = {}
    for one in desired:
        keys.setdefault(one.comment, set()).add(one.key)
    kept: list[str] = []
    removed: list[Authorization] = []
    unknown: list[Authorization] = []
    for line in text.splitlines(keepends=True):
        found = parse(line)
        if found is None or found.purpose == _RECOVERY:
            kept.append(line)
            continue
        if found.host not in declared:
            unknown.append(found)
        elif found.host in revocable:
            asked = keys.get(found.comment, set())
            # A key that this run does not know may be this one.
            if found.key not in asked and "" not in asked:
                removed.append(found)
                continue
        kept.append(line)
    return AuthorizedKeysPlan(text, "".join(kept), tuple(removed), tuple(unknown))


def with_lines(text: str, lines: Sequence[str]) -> str:
    """The text with these lines of the role. One with the same key and comment is replaced where it is; every other line stays.

    Several lines may have one key: a recovery's line belongs to its run, whichever other line has the same key. Raises HostError for
    a line that is not the role's.
    """
    missing: dict[tuple[str, str], str] = {}
    for line in lines:
        found = parse(line)
        if found is None:
            raise HostError(f"lines: '{line}' is not a line of the role ssh_trust")
        missing[found.key, found.comment] = line.rstrip()
    kept: list[str] = []
    for line in text.splitlines():
        found = parse(line)
        kept.append(line if found is None else missing.pop((found.key, found.comment), line))
    after = [*kept, *missing.values()]
    return text if after == text.splitlines() else "".join(f"{line}\n" for line in after)


def observe(user: str) -> SshFile:
    """That user's file. Raises HostError; UnsafePath if a link is in its place."""
    return ssh_file.observe(user, "authorized_keys")


def users_with_lines(users: Sequence[str]) -> list[str]:
    """Those users whose file has a line of the role, or can't be read. A user that does not exist has none."""
    return [user for user in users if _has_lines(user)]


def _has_lines(user: str) -> bool:
    if missing_users([user]):
        return False
    try:
        return any(parse(line) for line in observe(user).text.splitlines())
    except HostError:
        return True


def apply(file: SshFile, text: str) -> None:
    """Write the text, with the same owner and mode; a new file is the user's alone. Raises HostError."""
    if text == file.text:
        return
    ids = ids_of(file.user)
    if file.state is None:
        make_directories(os.path.dirname(file.path), 0o700, ids)
        write_file(file.path, text, 0o600, ids)
        return
    status = file.state.status
    write_file(file.path, text, file.state.mode, None if ids is None else (status.st_uid, status.st_gid))


def desired_authorizations(lines: Collection[str]) -> dict[str, list[Authorization]]:
    """By user of this host, who is to be authorized, from lines USER KEY PURPOSE:USER@HOST with "-" for a key that is not known. Raises HostError."""
    found: dict[str, list[Authorization]] = {}
    for line in lines:
        match = re.fullmatch(r"(\S+) (\S+) ([^: ]+):([^@ ]+)@(\S+)", line)
        if match is None:
            raise HostError(f"desired: '{line}' is not of the form USER KEY PURPOSE:USER@HOST")
        to_user, key, purpose, user, host = match.groups()
        found.setdefault(to_user, []).append(Authorization("" if key == "-" else key, purpose, user, host))
    return found


def authorize(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module authorized_keys. All files are read before the first is written. Raises HostError."""
    desired = desired_authorizations(params["desired"])
    removed: list[str] = []
    unknown: list[str] = []
    plans: list[tuple[SshFile, str]] = []
    for user in dict.fromkeys(params["users"]):
        file = observe(user)
        text = with_lines(file.text, params["lines"])
        if params["declared_hosts"] is not None:
            planned = plan(text, desired.get(user, []), params["revocable_hosts"], params["declared_hosts"])
            removed.extend(f"{user}: {one.comment}" for one in planned.removed)
            unknown.extend(f"{user}: {one.comment}" for one in planned.unknown)
            text = planned.after
        if text != file.text:
            plans.append((file, text))
    for file, text in plans if not check_mode else ():
        apply(file, text)
    diff = [file_diff(file.path, file.text, text) for file, text in plans]
    return Result(bool(plans), {"removed": removed, "unknown": unknown}, diff=diff)
