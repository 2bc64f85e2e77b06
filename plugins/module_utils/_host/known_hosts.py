# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block of this collection's lines in a user's C(known_hosts).

This module util is private to the collection. A line is the name by which ssh connects, the key's type, and the key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from . import ssh_file
from .marked_block import BEGIN, END, split_block
from .process import HostError
from .safe_files import ids_of, write_file
from .ssh_file import SshFile

#: What ssh itself gives the file.
MODE = 0o600


def plan(text: str, lines: Sequence[str]) -> str:
    """The file's text with these lines in the block.

    Lines of the block for other names stay: a host that is not in the inventory of this run may still be connected to. What is outside of the
    block does not change. Raises HostError if the block has no end or no begin.
    """
    above, found, below = split_block(text.splitlines(), "known_hosts")
    before = found or []
    names = {line.split()[0] for line in lines}
    block = sorted({*lines, *(line for line in before if line.strip() and line.split()[0] not in names)})
    if block == before:
        return text
    return "".join(f"{line}\n" for line in [*above, BEGIN, *block, END, *below])


def without_names(text: str, names: Collection[str] | None) -> str:
    """The text without the block's lines for these names, or without the whole block (None). Raises HostError as plan does."""
    above, found, below = split_block(text.splitlines(), "known_hosts")
    before = found or []
    block = [] if names is None else [line for line in before if line.strip() and line.split()[0] not in names]
    if found is None or (block and block == before):
        return text
    return "".join(f"{line}\n" for line in [*above, *([BEGIN, *block, END] if block else []), *below])


def require_lines(lines: Sequence[str]) -> None:
    """Raises HostError if a line is not one of known_hosts."""
    invalid = [line for line in lines if len(line.split()) < 3 or "\n" in line or line.startswith("#")]
    if invalid:
        raise HostError("lines: '{}' is not a name, a key's type and a key in one line".format("', '".join(invalid)))


def observe(user: str) -> SshFile:
    """That user's file. Raises HostError; UnsafePath if a link is in its place."""
    return ssh_file.observe(user, "known_hosts")


def apply(file: SshFile, text: str) -> None:
    """Write the text. Raises HostError."""
    if text != file.text:
        write_file(file.path, text, MODE, ids_of(file.user))
