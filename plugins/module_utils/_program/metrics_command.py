# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command pgdr-barman metrics: the metrics of this backup host for Prometheus.

This module util is private to the collection. Root runs it, because the directory of the textfile collector belongs to root on Debian. What
Barman's files contain is read by a child process that is Barman's user, and root only writes the text.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from .._host.child import texts_as
from .._host.files import read_text, write_atomic
from .._host.metrics_file import SAMPLE, alone, remove_metrics
from .._host.process import HostError
from .._monitoring.exposition import parse_exposition
from .._monitoring.metrics import PREFIX, metrics_text
from .._monitoring.sample_history import GRACE, SampleHistory, parse_stopped
from .._postgres.questions import KeptConnections
from .observing import add_observation_arguments, limits_of, observe
from .settings import Settings

INTERVAL = 15.0
#: The second of the minute at which there is a sample: it shows what Barman's cron has not started.
PHASE = GRACE + 1
#: Seconds from one check of the file to the next, between two samples.
_LOOK = 1.0


@dataclass(frozen=True)
class SamplePace:
    """The clock, handed in so that a test plays it. seconds: how long samples are made; 0 for one."""

    seconds: float = 0.0
    interval: float = INTERVAL
    now: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep

    def next_sample(self) -> float:
        """The next moment of a sample."""
        return PHASE + self.interval * ((self.now() - PHASE) // self.interval + 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="a file that node exporter's textfile collector reads; without it, standard output",
    )
    parser.add_argument("--remove", action="store_true", help="remove that file: nobody writes it any more")
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="write that file again and again for so long, until another run writes it; the default is once",
    )
    parser.add_argument(
        "--interval",
        type=float,
        default=INTERVAL,
        metavar="SECONDS",
        help=f"with --seconds: the time from one sample to the next; the default is {INTERVAL:g}",
    )
    add_observation_arguments(parser)


def metrics(options: argparse.Namespace, settings: Settings) -> int:
    """Write the metrics. Raises HostError."""
    if options.output is None and (options.remove or options.seconds):
        raise HostError(f"{'--remove' if options.remove else '--seconds'} needs --output")
    if options.interval <= 0:
        raise HostError(f"--interval is {options.interval:g}, and must be more than 0")
    if options.remove:
        remove_metrics(options.output, options.timeout + SAMPLE)
        return 0
    connections = KeptConnections()
    with texts_as(settings.user, _work(options, settings, connections), connections.close) as sample:
        if options.output is None:
            sys.stdout.write(sample())
        else:
            write_samples(
                options.output, sample, SamplePace(options.seconds, options.interval), options.timeout + SAMPLE
            )
    return 0


def _work(options: argparse.Namespace, settings: Settings, connections: KeptConnections) -> Callable[[], str]:
    """What makes a sample, and keeps what the next one needs. Raises HostError."""
    limits = limits_of(settings)
    before = parse_exposition(read_text(options.output) or "") if options.output is not None else {}
    history = SampleHistory(None, parse_stopped(before, PREFIX, time.time()))

    def work() -> str:
        nonlocal history
        host = observe(options, settings, ask=connections, record=True)
        history = history.with_sample(host)
        return metrics_text(host, limits, history)

    return work


def write_samples(path: str, sample: Callable[[], str], pace: SamplePace, patience: float) -> None:
    """Write the file until the time is over, or until it is not the own one any more: the next run writes it then, or it was removed.

    A run that goes on until its successor writes leaves no gap, also if cron does not start one. patience: seconds to wait for
    another run's sample. Raises HostError.
    """
    end = pace.now() + pace.seconds
    own: tuple[int, ...] | None = None
    while True:
        with alone(path, patience):
            if own is not None and _identity(path) != own:
                return
            write_atomic(path, sample(), 0o644, durable=False)
            own = _identity(path)
        moment = pace.next_sample()
        if moment >= end:
            return
        while pace.now() < moment:
            pace.pause(max(0.0, min(_LOOK, moment - pace.now())))
            if _identity(path) != own:
                return


def _identity(path: str) -> tuple[int, ...] | None:
    """What differs from one written file to the next; None if there is none. A new file can get the inode of the old one."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns
