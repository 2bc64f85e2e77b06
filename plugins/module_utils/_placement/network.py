# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far another host is, and how much comes from there in a second.

This module util is private to the collection. Every measurement uses a connection that Barman uses, too, and is limited in time and bytes.
"""

from __future__ import annotations

import contextlib
import shlex
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from .._host.process import Command, HostError, Runner

_ATTEMPTS = 5
_TIMEOUT = 3.0
_BLOCK = 8000
#: Before that, a connection is still gaining speed.
_SHORTEST = 0.02
Clock = Callable[[], float]


@dataclass(frozen=True)
class Limit:
    """A measurement ends with the first of both."""

    seconds: float
    size: int


class CopyStream(Protocol):
    """A session that streams a COPY."""

    def copied_bytes(self, sql: str) -> Generator[int, None, None]:
        """Yield the sizes of the blocks that arrive."""

    def close(self) -> None:
        """Close the connection."""


def round_trip(address: str, port: int, clock: Clock = time.monotonic, attempts: int = _ATTEMPTS) -> float | None:
    """The shortest time in seconds until the host answered a TCP connection; None without an answer.

    A refused connection counts as a measurement: before the first deployment, PostgreSQL may not listen there yet.
    """
    try:
        family, kind, protocol, _name, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except (OSError, ValueError):
        # ValueError: a name that can't be a host's, such as one with an empty label.
        return None
    times: list[float] = []
    for _attempt in range(attempts):
        with socket.socket(family, kind, protocol) as connection:
            connection.settimeout(_TIMEOUT)
            started = clock()
            try:
                connection.connect(place)
            except ConnectionRefusedError:
                pass
            except OSError:
                return min(times) if times else None
            times.append(clock() - started)
    return min(times)


def postgres_throughput(session: CopyStream, limit: Limit, clock: Clock = time.monotonic) -> float | None:
    """Bytes a second of rows that PostgreSQL makes in memory, over Barman's own connection. They read no table, and write nothing."""
    sql = (
        f"COPY (SELECT pg_catalog.repeat(pg_catalog.md5(number::text), {_BLOCK // 32}) "
        f"FROM pg_catalog.generate_series(1, {max(1, limit.size // _BLOCK)}) AS number) TO STDOUT"
    )
    started, received = clock(), 0
    with contextlib.closing(session.copied_bytes(sql)) as blocks:
        for block in blocks:
            received += block
            if clock() - started >= limit.seconds:
                break
    seconds = clock() - started
    return received / seconds if received and seconds >= _SHORTEST else None


def ssh_throughput(ssh_command: str, user: str, limit: Limit, runner: Runner) -> float | None:
    """Bytes a second through the SSH connection of a passive node to its source, without the time of the login. Raises HostError."""
    login = _piped(ssh_command, "true", user, limit, runner)[1]
    remote = f"timeout {max(1, round(limit.seconds))} head -c {limit.size} /dev/urandom"
    received, seconds = _piped(ssh_command, remote, user, limit, runner)
    return received / (seconds - login) if received and seconds - login >= _SHORTEST else None


def _piped(ssh_command: str, remote: str, user: str, limit: Limit, runner: Runner) -> tuple[int, float]:
    """The bytes that the remote command sent, and the seconds."""
    try:
        argv = [*shlex.split(ssh_command), "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", remote]
    except ValueError as error:
        raise HostError(f"primary_ssh_command can't be read as a command: {error}") from None
    # The bytes are counted, and neither stored nor held in memory.
    command = Command(["sh", "-c", f"{shlex.join(argv)} | wc -c"], user=user, timeout=limit.seconds + 30)
    done = runner(command)
    text = done.stdout.strip()
    if not done.ok or not text.isdigit() or (remote != "true" and text == "0"):
        raise HostError(done.stderr.strip() or f"'{remote}' sent nothing")
    return int(text), done.duration


def link_facts(rtt: float | None, throughput: float | None, reason: str) -> dict[str, Any]:
    """A network path, as the module returns it."""
    return {
        "rtt": None if rtt is None else round(rtt, 6),
        "throughput": None if throughput is None else round(throughput),
        "reason": reason,
    }
