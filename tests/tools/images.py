# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the picture and the report of the quickstart's fleet into docs/images, for README and the site.

python -m tests.tools.images, after `make quickstart`
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.tools.browser import screenshot
from tests.tools.stage import CACHE, REPOSITORY

MADE = CACHE / "quickstart"
IMAGES = REPOSITORY / "docs" / "images"
NAMES = ("architecture.svg", "report.html")
_SIZE = (1200, 860)


def main(made: Path = MADE, images: Path = IMAGES) -> int:
    missing = [name for name in NAMES if not (made / name).is_file()]
    if missing:
        print(f"{made} has no {' and no '.join(missing)}: run `make quickstart` first.", file=sys.stderr)
        return 1
    images.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        # The originals are not for everybody.
        (images / name).write_text((made / name).read_text(encoding="utf-8"), encoding="utf-8")
    screenshot(images / "report.html", images / "report.png", size=_SIZE)
    print(f"{images}: {', '.join(NAMES)}, report.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
