# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the notifier: the faults now, what was reported before, and a message to each channel that gets one.

This module util is private to the collection. It runs as Barman's user, who owns the state.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .._host.files import read_text, write_atomic
from .._host.process import HostError
from .._host.safe_files import make_directories
from .._monitoring.faults import Fault, FaultKind
from .message import payload_of, subject_of, text_of
from .plan import (
    ChannelState,
    Message,
    NotifierState,
    after,
    opened_at,
    parse_state,
    plan_message,
    relevant,
    state_as_json,
)
from .send import SendError, post, send_mail
from .settings import NotifySettings

#: Below Barman's home.
STATE = os.path.join(".pgdr.barman", "notify.json")
_UNOBSERVED = FaultKind(
    "BarmanUnobserved",
    "critical",
    "Run `pgdr-barman nagios` on the backup server as Barman's user, and remove the reason.",
)
_TEST = FaultKind("BarmanTest", "warning", "Nothing has to be done.")
Send = Callable[[Message], None]


def channels_of(settings: NotifySettings, host: str) -> dict[str, Send]:
    """How each channel sends a message. Raises HostError if there is none."""
    found: dict[str, Send] = {}
    webhook, mail = settings.webhook, settings.mail
    if webhook is not None:
        found["webhook"] = lambda message: post(webhook, payload_of(message, host))
    if mail is not None:
        found["mail"] = lambda message: send_mail(mail, subject_of(message, host), text_of(message))
    if not found:
        raise HostError("no channel is declared: set barman_notify_mail or barman_notify_webhook_url, and deploy")
    return found


def unobserved(host: str, reason: str) -> Fault:
    """The fault that the faults can't be observed."""
    return Fault(_UNOBSERVED, host, reason)


def send_test(channels: Mapping[str, Send], host: str) -> list[str]:
    """Send a test by every channel, outside every limit; why one failed."""
    message = Message(new=[Fault(_TEST, host, "this is a test of the notifications")])
    return [problem for name, send in channels.items() for problem in _try(name, send, message)]


def notify_channels(
    home: str, faults: Sequence[Fault], channels: Mapping[str, Send], settings: NotifySettings, now: float
) -> list[str]:
    """Report the faults where that is due; why a channel failed. It gets the message in the next run. Raises HostError."""
    path = os.path.join(home, STATE)
    with _alone(path):
        state = parse_state(_read(path))
        kept = relevant(faults, settings.policy)
        opened = opened_at(state, kept, now)
        channel_states = {name: state.channels.get(name, ChannelState()) for name in channels}
        problems: list[str] = []
        for name, send in channels.items():
            message = plan_message(channel_states[name], kept, opened, now, settings.policy)
            if message is None:
                continue
            failures = _try(name, send, message)
            problems += failures
            if not failures:
                channel_states[name] = after(message, now)
        write_atomic(
            path, json.dumps(state_as_json(NotifierState(opened, channel_states))) + "\n", 0o600, durable=False
        )
    return problems


def _try(name: str, send: Send, message: Message) -> list[str]:
    try:
        send(message)
    except SendError as exc:
        return [f"{name}: {exc}"]
    return []


def _read(path: str) -> Any:
    try:
        return json.loads(read_text(path) or "{}")
    except ValueError:
        return {}


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """While another run sends, this one waits: two runs would send the same message."""
    directory = os.path.dirname(path)
    make_directories(directory, 0o700)
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise HostError(f"{directory} can't be used: {exc.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
