# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing a report to a file of the controller, or of a host with a web server.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._host.process import HostError
from .._host.result import Result
from .._host.safe_files import read_file, write_file

#: By this the collection recognizes a page that it has written.
MARKER = 'data-generator="pgdr.barman.report"'


def is_ours(text: str) -> bool:
    """Whether a file is a page that the collection wrote."""
    return MARKER in text[:2000]


def publish(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module report. Raises HostError."""
    path, text = os.path.abspath(params["file"]), params["content"] or ""
    directory = os.path.dirname(path)
    if not os.path.isdir(directory) or not os.access(directory, os.W_OK | os.X_OK):
        raise HostError(
            f"{path} can't be written: the directory {directory} does not exist, or is not writable. Create the directory, or name another file "
            "with barman_report_file"
        )
    mode = _mode(params["mode"])
    current = read_file(path)
    if current is not None and not is_ours(current.text):
        raise HostError(
            f"{path} exists, and this collection did not write it. Move the file, or name another one with barman_report_file"
        )
    if params["validate_only"]:
        return Result(values={"file": path})
    changed = current is None or current.text != text or current.mode != mode
    if changed and not check_mode:
        write_file(path, text, mode)
    return Result(changed=changed, values={"file": path})


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise HostError(f"barman_report_mode is {text!r} and no mode; write it in octal digits, such as 0644")
    return mode
