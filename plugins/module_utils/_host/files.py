# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and atomically writing small files on the managed host.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import tempfile
from typing import Optional

from .process import HostError, lookup_user


def read_text(path: str) -> Optional[str]:
    """The file's text; None where there is no such file. Raises HostError where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HostError("%s can't be read: %s" % (path, exc.strerror)) from None


def write_atomic(path: str, text: str, mode: int, owner: Optional[str] = None) -> None:
    """Write the file so that a reader sees the old or the new text, whole.

    owner: its user, with that user's own group; None for the current one. Raises HostError where it can't be written.
    """
    directory = os.path.dirname(path) or "."
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".%s." % os.path.basename(path), dir=directory)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            if owner is not None and os.geteuid() == 0:
                account = lookup_user(owner)
                os.fchown(stream.fileno(), account.pw_uid, account.pw_gid)
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        temporary = None
    except OSError as exc:
        raise HostError("%s can't be written: %s" % (path, exc.strerror)) from None
    finally:
        if temporary is not None:
            os.unlink(temporary)
