# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that role ssh_trust wrote in a user's C(authorized_keys): which of them nobody asks for any more.

This module util is private to the collection. A line of the role begins with C(restrict), and its comment is
C(pgdr.barman:PURPOSE:USER@HOST). A recovery's line has its run's id behind that, and belongs to that run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass

from .process import HostError, lookup_user
from .safe_files import read_file, write_file

_LINE = re.compile(
    r"restrict\b.* (?:ssh|ecdsa|sk)-\S+ (?P<key>\S+) pgdr\.barman:(?P<purpose>[^: ]+):(?P<user>[^@ ]+)@(?P<host>[^: ]+)"
)
_RECOVERY = "recovery"


@dataclass(frozen=True)
class Authorization:
    """Who is let in: a user of a host, for a purpose. key: the public key in base64; empty if this run does not know it."""

    key: str
    purpose: str
    user: str
    host: str

    @property
    def comment(self) -> str:
        return "%s:%s@%s" % (self.purpose, self.user, self.host)


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
    """What a line of the role lets in; None for anybody else's line, and for a recovery's."""
    found = _LINE.fullmatch(line.rstrip())
    if found is None or found["purpose"] == _RECOVERY:
        return None
    return Authorization(found["key"], found["purpose"], found["user"], found["host"])


def plan(
    text: str, wanted: Collection[Authorization], revocable: Collection[str], declared: Collection[str]
) -> AuthorizedKeysPlan:
    """Remove what is not wanted of the revocable hosts. declared: the topology's hosts; nothing of another one is removed."""
    keys: dict[str, set[str]] = {}
    for one in wanted:
        keys.setdefault(one.comment, set()).add(one.key)
    kept: list[str] = []
    removed: list[Authorization] = []
    unknown: list[Authorization] = []
    for line in text.splitlines(keepends=True):
        found = parse(line)
        if found is not None and found.host not in declared:
            unknown.append(found)
        elif found is not None and found.host in revocable:
            asked = keys.get(found.comment, set())
            # A key that this run does not know may be this one.
            if found.key not in asked and "" not in asked:
                removed.append(found)
                continue
        kept.append(line)
    return AuthorizedKeysPlan(text, "".join(kept), tuple(removed), tuple(unknown))


@dataclass(frozen=True)
class AuthorizedKeysFile:
    """A user's file as it is. ids: its owner and group."""

    path: str
    text: str
    mode: int
    ids: tuple[int, int]


def observe(user: str) -> AuthorizedKeysFile | None:
    """That user's file; None if there is none. Raises HostError; UnsafePath if a link is in its place."""
    account = lookup_user(user)
    path = os.path.join(account.pw_dir, ".ssh", "authorized_keys")
    state = read_file(path, (account.pw_uid, 0))
    if state is None:
        return None
    return AuthorizedKeysFile(path, state.text, state.mode, (state.status.st_uid, state.status.st_gid))


def apply(file: AuthorizedKeysFile, planned: AuthorizedKeysPlan) -> None:
    """Write what the plan has, with the same owner and mode. Raises HostError."""
    if planned.changed:
        write_file(file.path, planned.after, file.mode, file.ids if os.geteuid() == 0 else None)


def wanted_of(lines: Collection[str]) -> dict[str, list[Authorization]]:
    """By user of this host, who is to be let in, from lines USER KEY PURPOSE:USER@HOST with "-" for a key that is not known. Raises HostError."""
    found: dict[str, list[Authorization]] = {}
    for line in lines:
        match = re.fullmatch(r"(\S+) (\S+) ([^: ]+):([^@ ]+)@(\S+)", line)
        if match is None:
            raise HostError("wanted: '%s' is not of the form USER KEY PURPOSE:USER@HOST" % line)
        to_user, key, purpose, user, host = match.groups()
        found.setdefault(to_user, []).append(Authorization("" if key == "-" else key, purpose, user, host))
    return found
