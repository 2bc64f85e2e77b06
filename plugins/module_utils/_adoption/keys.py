# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom the SSH server authorizes as Barman's user, beside the collection's own lines.

This module util is private to the collection. Nothing here reads files.
"""

from __future__ import annotations

from .._host.authorized_keys import parse

_KEY_TYPES = ("ssh-", "ecdsa-", "sk-")


def foreign_keys(text: str) -> list[str]:
    """The comment of each line that the collection did not write; the type of the key if it has no comment."""
    lines = (line.strip() for line in text.splitlines())
    return [_name(line) for line in lines if line and not line.startswith("#") and parse(line) is None]


def _name(line: str) -> str:
    words = line.split()
    place = next((number for number, word in enumerate(words) if word.startswith(_KEY_TYPES)), len(words))
    return " ".join(words[place + 2 :]) or " ".join(words[place : place + 1]) or "a line that is no key"
