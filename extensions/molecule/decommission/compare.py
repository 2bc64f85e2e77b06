# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two snapshots: python compare.py BEFORE AFTER ALLOWED...

ALLOWED are the names of what may differ; one that ends with * is a prefix. Prints every other difference, and fails if there is one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

before, after = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
names = {name for name in sys.argv[3:] if not name.endswith("*")}
prefixes = tuple(name[:-1] for name in sys.argv[3:] if name.endswith("*"))
differences = [
    f"{name}: {before.get(name, 'missing')} -> {after.get(name, 'missing')}"
    for name in sorted({*before, *after})
    if before.get(name) != after.get(name) and name not in names and not (prefixes and name.startswith(prefixes))
]
print("\n".join(differences))
sys.exit(bool(differences))
