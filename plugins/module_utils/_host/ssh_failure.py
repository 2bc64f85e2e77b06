# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an SSH connection failed.

This module util is private to the collection. ssh has one exit status, 255, for every failure of its own. Its words are not translated, and
only choose a hint that stands beside them (tests/unit/test_words.py).
"""

from __future__ import annotations

import enum


class SshFailure(enum.Enum):
    HOST_KEY_CHANGED = "host_key_changed"
    HOST_KEY_UNKNOWN = "host_key_unknown"
    DENIED = "denied"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NO_ROUTE = "no_route"
    UNKNOWN_NAME = "unknown_name"
    CLOSED = "closed"
    OTHER = "other"


#: The exit status of ssh if it failed itself; any other one is that of the remote command.
SSH_FAILED = 255

# In this order: a changed host key has the words of an unknown one, too.
_SIGNS = (
    ("identification has changed", SshFailure.HOST_KEY_CHANGED),
    ("host key verification failed", SshFailure.HOST_KEY_UNKNOWN),
    ("permission denied", SshFailure.DENIED),
    ("connection refused", SshFailure.REFUSED),
    ("timed out", SshFailure.TIMEOUT),
    ("no route to host", SshFailure.NO_ROUTE),
    ("could not resolve hostname", SshFailure.UNKNOWN_NAME),
    ("connection closed by", SshFailure.CLOSED),
    ("connection reset by", SshFailure.CLOSED),
)


def ssh_failure(stderr: str) -> SshFailure:
    """The kind of failure that ssh reported on its standard error output."""
    text = stderr.lower()
    return next((failure for sign, failure in _SIGNS if sign in text), SshFailure.OTHER)


def last_line(text: str) -> str:
    """The last line that is not empty; "nothing" if there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"
