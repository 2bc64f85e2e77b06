# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lines of SSH trust of other runs a recovery removes: those of runs that are known to have ended, and those that have expired.

Private to the collection. Pure: no Ansible, no input or output. A run that began a moment ago may have written its line after
this run listed the active runs. So an unknown run is not known to have ended.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

TIME = re.compile(r"[0-9]{14}\Z")
_OF_A_RUN = " pgdr[.]barman:recovery:[^ :]+:"
_ANY_RUN = "[0-9]{8}T[0-9]{6}Z-[a-z0-9]+"
_NONE = "(?!)"


def ended_lines(ended: Collection[str], now: str) -> str:
    """A regular expression for the lines in authorized_keys to remove.

    ended: ids of runs that have ended. now: the time in the form and the time zone of expiry-time (YYYYMMDDhhmmss); "" if it is not known.
    Raises ValueError if it is something else.
    """
    if now and not TIME.match(now):
        raise ValueError(f"'{now}' is not a time such as 20261121093000")
    patterns = [f"{_OF_A_RUN}(?:{'|'.join(re.escape(run) for run in sorted(ended))})$"] if ended else []
    if now:
        patterns.append(f'^restrict,.*,expiry-time="(?:{_earlier(now)})".*{_OF_A_RUN}{_ANY_RUN}$')
    return "|".join(patterns) or _NONE


def sshd_time(date_time: Mapping[str, Any], seconds: int = 0) -> str:
    """The time of a host after so many seconds, in the form and the time zone of expiry-time.

    date_time: epoch and tz_offset (such as +0130) of Ansible's facts.
    """
    offset = str(date_time["tz_offset"])
    east = (int(offset[1:3]) * 60 + int(offset[3:5])) * 60 * (-1 if offset[0] == "-" else 1)
    return datetime.fromtimestamp(int(date_time["epoch"]) + east + seconds, UTC).strftime("%Y%m%d%H%M%S")


def _earlier(time: str) -> str:
    """A regular expression for the numbers of as many digits that are smaller."""
    smaller = [
        f"{time[:place]}[0-{int(digit) - 1}][0-9]{{{len(time) - place - 1}}}"
        for place, digit in enumerate(time)
        if digit > "0"
    ]
    return "|".join(smaller) or _NONE
