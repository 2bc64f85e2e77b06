# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block of this collection's lines in libpq's password file, C(.pgpass).

This module util is private to the collection. A line is host:port:database:user:password, with colons and backslashes
escaped (PostgreSQL, "The Password File"). libpq uses the first line that matches. No message repeats a password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .._host.marked_block import BEGIN, END, split_block
from .._host.process import HostError, lookup_user
from .._host.safe_files import FileState, ids_of, read_file, remove_file, write_file

NAME = ".pgpass"
MODE = 0o600

_FIELD = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)", re.DOTALL)
_ANY = "*"
_FIELDS = 5


@dataclass(frozen=True)
class PasswordConnection:
    """A connection that needs a password. Each database counts."""

    host: str
    port: str
    user: str


@dataclass(frozen=True)
class PasswordLine:
    """A line: which connection it is for, and its text with the password."""

    host: str
    port: str
    database: str
    user: str
    text: str = field(repr=False, compare=False)

    def serves(self, connection: PasswordConnection) -> bool:
        pairs = ((self.host, connection.host), (self.port, connection.port), (self.user, connection.user))
        return all(mine in (_ANY, other) for mine, other in pairs)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}:{self.database}:{self.user}"


@dataclass(frozen=True)
class PasswordFilePlan:
    """The file's next text; None if there is no file and none is needed. kept: lines that only stay for a connection."""

    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    kept: tuple[PasswordLine, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after


def parse(text: str) -> PasswordLine | None:
    """The line; None for a comment, an empty line, and what libpq does not understand."""
    if not text.strip() or text.startswith("#"):
        return None
    fields: list[str] = []
    position = 0
    while position <= len(text) and len(fields) < _FIELDS:
        found = _FIELD.match(text, position)
        if found is None:
            return None
        fields.append(re.sub(r"\\(.)", r"\1", found.group(1)))
        if found.end() == found.end(1):
            break
        position = found.end()
    if len(fields) < _FIELDS:
        return None
    host, port, database, user = fields[:4]
    return PasswordLine(host, port, database, user, text=text)


def require_lines(lines: Sequence[str]) -> None:
    """Raises HostError with the numbers of the lines that are none, and without their text, which may be a password."""
    invalid = [str(number) for number, line in enumerate(lines, 1) if "\n" in line or parse(line) is None]
    if invalid:
        raise HostError(
            "lines: number {} is not host:port:database:user:password in one line; make it with the filter "
            "pgpass_line".format(", ".join(invalid))
        )


def plan(current: str | None, desired: Sequence[str], stays: Sequence[PasswordConnection] = ()) -> PasswordFilePlan:
    """The file with these lines in a block at its top.

    stays: connections whose lines in the present block are not removed, even if no desired line is for them. What is
    outside of the block does not change. Raises HostError if the block has no end or no begin.
    """
    # Not splitlines(): a password may have a character that it takes for the end of a line.
    lines = current.removesuffix("\n").split("\n") if current else []
    above, block, below = split_block(lines, "the password file")
    desired_lines = list(dict.fromkeys(desired))
    served = {str(line) for line in map(parse, desired_lines) if line is not None}
    kept = tuple(
        line
        for line in map(parse, block or ())
        if line is not None and str(line) not in served and any(line.serves(connection) for connection in stays)
    )
    texts = list(dict.fromkeys([*desired_lines, *(line.text for line in kept)]))
    new = [BEGIN, *texts, END] if texts else []
    # Without a block yet, all lines are above: libpq takes the first that matches, so the block comes first.
    after = [*new, *above] if block is None else [*above, *new, *below]
    if after == lines:
        return PasswordFilePlan(current, current, kept)
    # A file that has nothing any more goes.
    return PasswordFilePlan(current, "".join(f"{line}\n" for line in after) or None, kept)


@dataclass(frozen=True)
class PasswordFile:
    """The password file of a user, as it is. access: whether owner and mode are those that libpq requires."""

    path: str
    user: str
    text: str | None = field(repr=False)
    access: bool = True


def observe(user: str) -> PasswordFile:
    """That user's password file. Raises HostError; UnsafePath if a link is in its place."""
    account = lookup_user(user)
    path = os.path.join(account.pw_dir, NAME)
    # Root's own file in its place was written by a person, and is given to the user.
    state = read_file(path, (account.pw_uid, 0))
    return PasswordFile(path, user, None if state is None else state.text, _has_access(state, account.pw_uid))


def _has_access(state: FileState | None, uid: int) -> bool:
    return state is None or (state.status.st_uid == uid and state.mode == MODE)


def apply(file: PasswordFile, planned: PasswordFilePlan) -> None:
    """Write what the plan has, for the user's eyes only, or remove the file. Raises HostError."""
    if planned.after is None and planned.changed:
        remove_file(file.path)
    if planned.after is not None and (planned.changed or not file.access):
        write_file(file.path, planned.after, MODE, ids_of(file.user))
