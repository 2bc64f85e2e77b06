# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command pgdr-barman metrics: the metrics of this backup host for Prometheus.

This module util is private to the collection. Root runs it, because the directory of the textfile collector belongs to root on Debian. What
Barman's files contain is read by a child process that is Barman's user, and root only writes the text.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator

from .._host.child import text_as
from .._host.files import write_atomic
from .._host.process import HostError
from .._host.safe_files import remove_file
from .._monitoring.metrics import metrics_text
from .observing import add_observation_arguments, limits_of, observe
from .settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="a file that node exporter's textfile collector reads; without it, standard output",
    )
    parser.add_argument("--remove", action="store_true", help="remove that file: nobody writes it any more")
    add_observation_arguments(parser)


def metrics(options: argparse.Namespace, settings: Settings) -> int:
    """Write the metrics. Raises HostError."""
    if options.remove:
        if options.output is None:
            raise HostError("--remove needs --output")
        if os.path.lexists(options.output):
            remove_file(options.output)
        return 0
    limits = limits_of(settings)

    def work() -> str:
        return metrics_text(observe(options, settings, record=True), limits)

    if options.output is None:
        sys.stdout.write(text_as(settings.user, work))
        return 0
    with _alone(os.path.dirname(os.path.abspath(options.output))):
        write_atomic(options.output, text_as(settings.user, work), 0o644, durable=False)
    return 0


@contextlib.contextmanager
def _alone(directory: str) -> Iterator[None]:
    """While another run is at it, as on a file system that hangs, none is added. Raises HostError."""
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise HostError(
            f"{directory} can't be opened: {exc.strerror}. Install node exporter, or set barman_textfile_directory"
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise HostError(f"another run still writes metrics into {directory}") from None
    finally:
        os.close(handle)
