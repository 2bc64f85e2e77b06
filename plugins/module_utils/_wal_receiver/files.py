# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files in the directory of a WAL receiver.

This module util is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Sequence

from .._host.files import names_in
from .._host.safe_files import writing_as
from .._postgres import wal
from .observe import ReceiverHost


def set_aside(host: ReceiverHost, names: Sequence[str]) -> str | None:
    """Move files that would make pg_receivewal start elsewhere; the directory that has them now.

    Nothing is deleted: they may have the last transactions.
    """
    if not names:
        return None
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    directory = f"{host.directory.rstrip('/')}.set-aside/{stamp}"
    with writing_as(host.barman.user, directory):
        for path in (os.path.dirname(directory), directory):
            os.makedirs(path, mode=0o700, exist_ok=True)
        for name in names:
            path = os.path.join(host.directory, name)
            if os.path.exists(path):
                shutil.move(path, os.path.join(directory, name))
    return directory


def write_marker_file(host: ReceiverHost, segment: wal.Segment) -> None:
    """An empty partial segment: pg_receivewal begins with it and fills it."""
    path = os.path.join(host.directory, f"{segment}.partial")
    with writing_as(host.barman.user, path):
        os.makedirs(host.directory, mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))


def clear_directory(host: ReceiverHost, archived: frozenset[wal.Segment]) -> None:
    """Empty the receiver's directory: what is archived is removed, and anything else set aside."""
    rest = []
    for name in names_in(host.directory):
        file = wal.parse(name)
        if file is not None and file.segment in archived:
            path = os.path.join(host.directory, name)
            with writing_as(host.barman.user, path), contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        elif file is not None and file.segment is not None:
            rest.append(name)
    if rest:
        set_aside(host, rest)
