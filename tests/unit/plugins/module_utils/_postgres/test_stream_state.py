# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.stream_state import refusal_kind
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.timeline_history import TimelineSegment

HISTORY = [TimelineSegment(1, 0, 500), TimelineSegment(3, 500, None)]


@pytest.mark.parametrize(
    ("start", "timeline", "sqlstate", "kind"),
    [
        # Timeline 2 is a branch that this server was never on.
        (100, 2, "XX000", "other_timeline"),
        (600, 1, "XX000", "other_timeline"),
        (500, 1, None, "other_timeline"),
        (1001, 3, "XX000", "ahead"),
        (100, 1, "58P01", "wal_removed"),
        (600, 3, "58P01", "wal_removed"),
        # The role may not, or the connection broke: nothing that a reset would mend.
        (600, 3, "42501", None),
        (600, 3, None, None),
    ],
)
def test_the_state_has_the_reason_why_a_server_does_not_stream(
    start: int, timeline: int, sqlstate: str | None, kind: str | None
) -> None:
    assert refusal_kind(start, timeline, 1000, HISTORY, sqlstate) == kind
