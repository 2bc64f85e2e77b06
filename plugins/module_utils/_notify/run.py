# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the notifier: the faults now, what was reported before, and a message to each channel that gets one.

This module util is private to the collection. It runs as Barman's user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .._host.process import HostError
from .._monitoring.fault import Fault, FaultKind
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
from .state_files import FALLBACKS, StateFiles

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
    home: str,
    faults: Sequence[Fault],
    channels: Mapping[str, Send],
    settings: NotifySettings,
    now: float,
    fallbacks: Sequence[str] = FALLBACKS,
) -> list[str]:
    """Report the faults where that is due; why a channel failed. It gets the message in the next run.

    The state is written before a message is sent: after a message that is not noted, each run would send it again. If the state can't be written in
    any place, there is a message in the first minute of an hour only.
    """
    files = StateFiles(home, fallbacks)
    with files.alone():
        state = parse_state(files.read())
        kept = relevant(faults, settings.policy)
        opened = opened_at(state, kept, now)
        channel_states = {name: state.channels.get(name, ChannelState()) for name in channels}
        policy = settings.policy
        unwritten = files.write(state_as_json(NotifierState(opened, channel_states)))
        if unwritten:
            # Without a state, a fault would not last.
            policy = replace(policy, patience=0.0)
        problems = [unwritten] if unwritten else []
        for name, send in channels.items():
            message = plan_message(channel_states[name], kept, opened, now, policy)
            if message is None:
                continue
            noted = {**channel_states, name: after(message, now)}
            if files.write(state_as_json(NotifierState(opened, noted))) and now % 3600 >= 60:
                continue
            failures = _try(name, send, message)
            problems += failures
            if failures:
                files.write(state_as_json(NotifierState(opened, channel_states)))
            else:
                channel_states = noted
    return problems


def _try(name: str, send: Send, message: Message) -> list[str]:
    try:
        send(message)
    except SendError as exc:
        return [f"{name}: {exc}"]
    return []
