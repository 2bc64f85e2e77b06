# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection costs, side by side with the bare tools. See docs/performance.md."""

from __future__ import annotations

import sys
from pathlib import Path

# Where Ansible finds the collection, Python does too.
sys.path.append(str(Path(__file__).resolve().parents[2] / ".cache" / "collections"))
