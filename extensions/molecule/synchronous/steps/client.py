#!/usr/bin/env python3
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that writes down what it was told to be committed.

    client.py write DIRECTORY   insert until the server is gone, from many connections; print how many rows were acknowledged
    client.py count DIRECTORY   print how many rows were acknowledged until now
    client.py lost DIRECTORY    print which of them the server does not have

An acknowledged row is on this machine's disk before the next one is inserted. The connection is in libpq's environment variables.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import psycopg

WRITERS = 16
# Each writer has a range of its own.
RANGE = 1_000_000_000


def insert(number: int, directory: Path, ended: list[str]) -> None:
    file = os.open(directory / str(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        with psycopg.connect(autocommit=True) as connection:
            for row in range(number * RANGE, (number + 1) * RANGE):
                connection.execute("INSERT INTO ledger VALUES (%s)", (row,))
                os.write(file, b"%d\n" % row)
                os.fsync(file)
    except psycopg.Error as error:
        ended.append(str(error))
    finally:
        os.close(file)


def write(directory: Path) -> dict[str, object]:
    directory.mkdir()
    ended: list[str] = []
    writers = [threading.Thread(target=insert, args=(number, directory, ended)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return {"acknowledged": len(acknowledged(directory)), "ended": ended}


def acknowledged(directory: Path) -> set[int]:
    return {int(line) for path in directory.iterdir() for line in path.read_text().splitlines()}


def lost(directory: Path) -> dict[str, object]:
    reported = acknowledged(directory)
    with psycopg.connect(autocommit=True) as connection:
        there = {int(row[0]) for row in connection.execute("SELECT id FROM ledger")}
    # What was committed and not acknowledged any more may be there, too: one row of each writer at the most.
    return {"acknowledged": len(reported), "there": len(there), "lost": sorted(reported - there)}


def main(what: str, name: str) -> None:
    directory = Path(name)
    if what == "write":
        print(json.dumps(write(directory)))
    elif what == "count":
        print(len(acknowledged(directory)))
    else:
        print(json.dumps(lost(directory)))


if __name__ == "__main__":
    main(*sys.argv[1:])
