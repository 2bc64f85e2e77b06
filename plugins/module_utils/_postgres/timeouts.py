# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time limits that a role or a database can have of its own. They are meant for applications.

This module util is private to the collection.
"""

from __future__ import annotations

#: Each with the major version that has it first; 0 for all. lock_timeout is none of them: some sessions want one.
TIMEOUTS = {
    "statement_timeout": 0,
    "idle_in_transaction_session_timeout": 0,
    "idle_session_timeout": 14,
    "transaction_timeout": 17,
}
