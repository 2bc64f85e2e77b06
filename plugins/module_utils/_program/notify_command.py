# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command pgdr-barman notify: one message by mail or webhook about new and ended faults.

This module util is private to the collection. Cron runs it each minute, and a hook of Barman's can run it at once.
"""

from __future__ import annotations

import argparse
import socket
import time
from dataclasses import replace

from .._host.child import text_as
from .._host.files import read_text
from .._host.process import HostError, lookup_user
from .._monitoring.fault import Fault
from .._monitoring.faults import all_faults, disk_faults
from .._notify.run import channels_of, notify_channels, send_test, unobserved
from .._notify.settings import NOTIFY_SETTINGS, NotifySettings, parse_settings
from .observing import add_observation_arguments, limits_of, observe
from .output import write_error
from .settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--test", action="store_true", help="send a test by every channel, and nothing else")
    parser.add_argument(
        "--hook",
        action="store_true",
        help="for a hook of Barman: report at once what the hook is about, and always succeed",
    )
    add_observation_arguments(parser)


def notify(options: argparse.Namespace, settings: Settings) -> int:
    """Send what is due: 0, or 1 if a channel failed. Raises HostError."""
    host, path = socket.gethostname(), NOTIFY_SETTINGS

    def work() -> str:
        declared = parse_settings(read_text(path), path, f"{settings.user}@{socket.getfqdn()}")
        channels = channels_of(declared, host)
        if options.test:
            return "\n".join(send_test(channels, host))
        faults = _faults(options, settings, host)
        home = lookup_user(settings.user).pw_dir
        return "\n".join(notify_channels(home, faults, channels, _at_once(declared, options), time.time()))

    try:
        problems = text_as(settings.user, work)
    except HostError as exc:
        if not options.hook:
            raise
        problems = str(exc)
    if problems:
        write_error(problems)
    return 1 if problems and not options.hook else 0


def _at_once(declared: NotifySettings, options: argparse.Namespace) -> NotifySettings:
    """The result of a backup does not change any more, so nobody waits for it."""
    return replace(declared, policy=replace(declared.policy, patience=0.0)) if options.hook else declared


def _faults(options: argparse.Namespace, settings: Settings, host: str) -> list[Fault]:
    try:
        observed = observe(options, settings)
    except HostError as exc:
        return [unobserved(host, str(exc))]
    found = all_faults(observed, limits_of(settings))
    return [*(one for faults in found.values() for one in faults), *disk_faults(observed.disks)]
