# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions that people run, on lab machines (`make matrix`): releases of Barman from PyPI, and of PostgreSQL from npm.

releases.py   what is pinned, which releases meet each other, and what is expected of them (pure)
report.py     results as values, and the tables of docs/tested.md (pure)
machines.py   the lab's machines: scripts and playbooks that run there
packages.py   what is downloaded, by the locks beside this file
cycle.py      what is done with every version: deploy, write, back up, write, recover, count
barman.py     the cases of Barman
postgresql.py the cases of PostgreSQL
"""

from __future__ import annotations

import sys
from pathlib import Path

# Where Ansible finds the collection, Python does too.
sys.path.append(str(Path(__file__).resolve().parents[2] / ".cache" / "collections"))
