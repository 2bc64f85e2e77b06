# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program prints.

This module util is private to the collection.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any


def write_line(text: str) -> None:
    """A line for the person, or the program, that called."""
    sys.stdout.write(f"{text}\n")


def write_line_now(text: str) -> None:
    """A line of a command that goes on for a while."""
    write_line(text)
    sys.stdout.flush()


def write_json(value: Mapping[str, Any]) -> None:
    """The value as JSON, for programs."""
    write_line(json.dumps(value, indent=2, sort_keys=True))


def write_error(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"{text}\n")
