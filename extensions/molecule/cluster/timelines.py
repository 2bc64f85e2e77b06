# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every WAL segment of every timeline is there: python3 timelines.py SERVER_DIRECTORY TIMELINES.

Independent of the collection's own check. The segment in which a timeline ends is only complete on the next one.
"""

from __future__ import annotations

import sys
from pathlib import Path

SEGMENTS = 256
SIZE = 16 << 20


def number(name: str) -> int:
    return int(name[8:16], 16) * SEGMENTS + int(name[16:24], 16)


def main(directory: str, expected: int) -> None:
    files = [path.name for path in Path(directory, "wals").glob("*/*")] + [
        path.name for path in Path(directory, "streaming").iterdir()
    ]
    present = {
        (int(name[:8], 16), number(name)) for name in files if len(name.split(".")[0]) == 24 and "backup" not in name
    }
    timelines = sorted({timeline for timeline, _ in present})
    if timelines != list(range(1, expected + 1)):
        raise SystemExit(f"the timelines are {timelines}, and not 1 to {expected}")
    history = Path(directory, "wals", f"{expected:08X}.history").read_text(encoding="utf-8") if expected > 1 else ""
    ends = {}
    for line in history.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith("#"):
            continue
        high, low = words[1].split("/")
        ends[int(words[0])] = ((int(high, 16) << 32) + int(low, 16)) // SIZE
    missing = []
    for timeline in timelines:
        own = sorted(segment for other, segment in present if other == timeline)
        first = own[0] if timeline == 1 else ends[timeline - 1]
        last = ends.get(timeline, own[-1] + 1)
        missing += [(timeline, segment) for segment in range(first, last) if segment not in own]
    if missing:
        raise SystemExit(f"missing (timeline, segment): {missing}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
