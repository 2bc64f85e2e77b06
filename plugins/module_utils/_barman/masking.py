# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing passwords from output.

This module util is private to the collection.
"""

from __future__ import annotations

import re

from .option_table import SECRET_OPTIONS

_MASK = "********"
_PASSWORD = re.compile(
    r"(?P<key>\b\w*password\s*=\s*)(?:'(?:\\.|[^'\\\n])*(?:'|$)|(?:\\.|[^\s\\])+)", re.IGNORECASE | re.MULTILINE
)
_URI_PASSWORD = re.compile(r"(?P<key>\b\w+://[^:@/\s]*:)\S+(?=@)")
_SECRET_LINE = re.compile(
    rf"^(?P<key>(?:{'|'.join(sorted(o for o in SECRET_OPTIONS if not o.endswith('conninfo')))})\s*=\s*).*$",
    re.MULTILINE,
)


def mask(text: str) -> str:
    """The text with every password in it replaced."""
    text = _PASSWORD.sub(r"\g<key>" + _MASK, text)
    text = _URI_PASSWORD.sub(r"\g<key>" + _MASK, text)
    return _SECRET_LINE.sub(r"\g<key>" + _MASK, text)


def mask_message(text: str) -> str:
    """A program's message that may repeat a connection string, in whatever quotes: nothing after the key is kept."""
    return mask(re.sub(r"(password\s*=).*", r"\1" + _MASK, text, flags=re.IGNORECASE))
