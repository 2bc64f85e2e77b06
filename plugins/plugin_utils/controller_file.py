# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on the controller that the collection writes for people. This plugin util is private to the collection."""

from __future__ import annotations

import os
from collections.abc import Callable

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.safe_files import write_file

#: Names and addresses of hosts are not for everybody on the controller.
MODE = 0o640


def current_text(path: str, is_ours: Callable[[str], bool], variable: str) -> str | None:
    """The file's text; None if it does not exist. Raises AnsibleActionFail if the file can't be written, or somebody else wrote it.

    variable: the name of the variable that has the path, for the messages.
    """
    directory = os.path.dirname(path)
    if not os.path.isdir(directory) or not os.access(directory, os.W_OK | os.X_OK):
        raise AnsibleActionFail(
            f"{path} can't be written: the directory {directory} does not exist on the controller, or is not writable. Nothing was changed. "
            f"Create the directory, or name another file with {variable}."
        )
    text = read(path, variable)
    if text is not None and not is_ours(text):
        raise AnsibleActionFail(
            f"{path} exists, and this collection did not write it. Nothing was changed. Move the file, or name another one with {variable}."
        )
    return text


def read(path: str, variable: str) -> str | None:
    """The file's text; None if it does not exist. Raises AnsibleActionFail. variable: the name of the variable that has the path."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise AnsibleActionFail(
            f"{path} can't be read: {error}. Nothing was changed. Name another file with {variable}."
        ) from None


def write(path: str, text: str, mode: int = MODE) -> None:
    """Replace the file as a whole. Raises AnsibleActionFail."""
    try:
        write_file(path, text, mode, None)
    except HostError as error:
        raise AnsibleActionFail(f"{path} can't be written: {error}") from None
