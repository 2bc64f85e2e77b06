# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which message a channel gets now: new faults, ended faults and a reminder, and never more than one message in an interval.

This module util is private to the collection. Nothing here reads files or connects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._monitoring.fault import Fault, Severity

#: Seconds that a fault has to last before it is reported: cron and a receiver that restarts need less.
PATIENCE = 90.0
#: Seconds after which faults that last are reported again.
REPEAT = 86400.0


@dataclass(frozen=True)
class NotifyPolicy:
    """interval: seconds from one message to the next. patience: seconds that a fault has to last. severity: the least one that is reported."""

    interval: float = 900.0
    patience: float = PATIENCE
    repeat: float = REPEAT
    severity: Severity = "warning"


@dataclass(frozen=True)
class ChannelState:
    """What a channel has noted: the lines of faults by their keys, and when the last message was sent."""

    noted: Mapping[str, str] = field(default_factory=dict)
    sent: float = 0.0


@dataclass(frozen=True)
class NotifierState:
    """opened: when each fault was observed first. channels: by name."""

    opened: Mapping[str, float] = field(default_factory=dict)
    channels: Mapping[str, ChannelState] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """New faults, others that last, and the texts of those that have ended."""

    new: Sequence[Fault] = ()
    lasting: Sequence[Fault] = ()
    ended: Sequence[str] = ()


def key_of(fault: Fault) -> str:
    """What makes a fault the same as before."""
    return f"{fault.kind.name} {fault.subject}"


def line_of(fault: Fault) -> str:
    """One line about a fault, with its remedy."""
    return f"{fault.subject}: {' '.join(fault.text.split()).rstrip('.')}. {fault.remedy}"


def relevant(faults: Sequence[Fault], policy: NotifyPolicy) -> list[Fault]:
    """The faults of at least the policy's severity; critical ones first."""
    kept = [one for one in faults if policy.severity == "warning" or one.kind.severity == "critical"]
    return sorted(kept, key=lambda one: (one.kind.severity != "critical", key_of(one)))


def opened_at(state: NotifierState, faults: Sequence[Fault], now: float) -> dict[str, float]:
    """When each fault was observed first. A clock that was set back does not make a fault wait longer."""
    return {key_of(one): min(state.opened.get(key_of(one), now), now) for one in faults}


def plan_message(
    channel: ChannelState, faults: Sequence[Fault], opened: Mapping[str, float], now: float, policy: NotifyPolicy
) -> Message | None:
    """The message that the channel gets now; None for none. faults: the relevant ones."""
    elapsed = now - channel.sent
    if 0 <= elapsed < policy.interval:
        return None
    confirmed = [one for one in faults if now - opened[key_of(one)] >= policy.patience]
    new = [one for one in confirmed if key_of(one) not in channel.noted]
    current = {key_of(one) for one in faults}
    ended = [line for key, line in sorted(channel.noted.items()) if key not in current]
    lasting = [one for one in faults if key_of(one) in channel.noted]
    if not new and not ended and not (lasting and not 0 <= elapsed < policy.repeat):
        return None
    return Message(new, lasting, ended)


def after(message: Message, now: float) -> ChannelState:
    """What the channel has reported when the message was sent."""
    return ChannelState({key_of(one): line_of(one) for one in (*message.new, *message.lasting)}, now)


def parse_state(value: Any) -> NotifierState:
    """The state from the JSON that was written. What can't be read counts as nothing, so that a fault is reported again."""
    try:
        return NotifierState(
            {str(key): float(moment) for key, moment in value["opened"].items()},
            {
                str(name): ChannelState({str(key): str(line) for key, line in one["noted"].items()}, float(one["sent"]))
                for name, one in value["channels"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return NotifierState()


def state_as_json(state: NotifierState) -> dict[str, Any]:
    """What parse_state() reads."""
    return {
        "opened": dict(state.opened),
        "channels": {name: {"noted": dict(one.noted), "sent": one.sent} for name, one in state.channels.items()},
    }
