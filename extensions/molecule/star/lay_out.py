# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On the backup server: python lay_out.py DIRECTORY USER FIRST LAST. The servers many-FIRST to many-LAST beside that one have its WAL in hard links."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

model, user, first, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for index in range(first, last + 1):
    name = f"many-{index:03}"
    place = model.with_name(name)
    for part in ("base", "errors", "incoming", "meta", "streaming", "wals"):
        (place / part).mkdir(parents=True, exist_ok=True)
    for path in sorted(model.joinpath("wals").rglob("*")):
        there = place / path.relative_to(model)
        if path.is_dir():
            there.mkdir(exist_ok=True)
        elif (len(path.name) == 24 or path.suffix == ".history") and not there.exists():
            there.hardlink_to(path)
        elif "xlog" in path.name:
            shutil.copyfile(path, there.with_name(path.name.replace(model.name, name)))
    subprocess.run(["chown", "-R", f"{user}:", str(place)], check=True)
