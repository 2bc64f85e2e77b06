# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of a cluster: python3 writer.py DATABASE_CONNECTION FILE.

Commits a row about a hundred times a second, and writes the id of each row that PostgreSQL acknowledged to FILE. After an error it connects again, to
the member that is the primary then. It ends with SIGTERM, between two commits.
"""

from __future__ import annotations

import signal
import sys
import time

import psycopg

# A message fills WAL segments, and is not compressed.
COMMIT = """WITH message AS (SELECT pg_logical_emit_message(false, 'filler', repeat('x', 20000)))
INSERT INTO journal (filler) SELECT 'x' FROM message RETURNING id"""
RUNNING = [True]


def main(conninfo: str, path: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: RUNNING.clear())
    connection = None
    with open(path, "a", buffering=1, encoding="utf-8") as acknowledged:
        while RUNNING:
            try:
                if connection is None:
                    connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=2)
                row = connection.execute(COMMIT).fetchone()
                acknowledged.write(f"{row[0] if row else ''}\n")
                time.sleep(0.005)
            except psycopg.Error:
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
