# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths as text.

This module util is private to the collection.
"""

from __future__ import annotations

import posixpath


def normal_path(path: str) -> str:
    """The path without ".", ".." and doubled slashes. normpath alone keeps two slashes at the beginning, and Linux has one root."""
    found = posixpath.normpath(path)
    return "/" + found.lstrip("/") if found.startswith("/") else found


def is_within(outer: str, inner: str) -> bool:
    """Whether inner is outer, or is in it."""
    outer, inner = normal_path(outer), normal_path(inner)
    return posixpath.commonpath([outer, inner]) == outer
