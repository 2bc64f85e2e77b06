# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following the primaries of clusters: every few seconds, for a while.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .._barman.cluster_members import MemberConnection, connections_of, parse_member, question_to
from .._barman.command import Barman
from .._barman.configuration import Configuration, ServerConfiguration, read
from .._barman.locks import receiver_pid
from .._host.lock import Held, exclusive
from .._host.proc import command_line
from .._host.process import HostError
from .._postgres.connection import Connect
from .._postgres.questions import AskAll
from .._postgres.slots import create_slot, drop_slot
from .._wal_receiver.observe import ReceiverHost
from .._wal_receiver.process import change_lock, stop_process
from .._wal_receiver.request import ReceiverRequest, ReceiverState, unsuitable
from .._wal_receiver.run import set_receiver
from .plan import ClusterMember, FollowPlan, plan

#: Seconds between two rounds, and for the answers of all members.
INTERVAL = 3.0
ASK_TIMEOUT = 3.0
#: Seconds after a receiver that could not be started, until the next attempt.
_RETRY_AFTER = 10.0
#: Seconds that a receiver may take to stream.
_START_TIMEOUT = 20.0
Report = Callable[[str], None]
CommandLine = Callable[[int], "str | None"]


@dataclass
class FollowedCluster:
    """A server of Barman that is a cluster, and what was observed in earlier rounds. Times are those of the clock."""

    entry: ServerConfiguration
    members: Sequence[MemberConnection]
    makes_slots: bool
    idle_since: float | None = None
    retry_at: float = 0.0
    reported: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FollowTools:
    """What reaches PostgreSQL and Barman, handed in so that a test plays them."""

    barman: Barman
    ask: AskAll
    connect: Connect
    report: Report
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    process: CommandLine = command_line


def follow(tools: FollowTools, managed: Mapping[str, bool], names: Sequence[str] | None, seconds: float) -> bool:
    """Follow these clusters (None: all) for so long, at least one round; whether the last round had no problem. Raises HostError.

    managed: by Barman's name of each cluster, whether a cluster manager makes the slots.
    """
    unknown = sorted(set(names or ()) - set(managed))
    if unknown:
        raise HostError(
            f"{', '.join(unknown)}: not a cluster of the inventory; there are {', '.join(sorted(managed)) or 'none'}"
        )
    configuration = read(tools.barman.config_file, tools.barman.user)
    # An entry that was removed must not keep the other clusters from being followed.
    chosen = sorted(set(managed).intersection(configuration.servers)) if names is None else names
    clusters = [_cluster(configuration.server(name), makes_slots=not managed[name]) for name in chosen]
    end = tools.clock() + seconds
    while True:
        healthy = follow_once(tools, configuration, clusters)
        if tools.clock() + INTERVAL >= end:
            return healthy
        tools.pause(INTERVAL)


def _cluster(entry: ServerConfiguration, *, makes_slots: bool) -> FollowedCluster:
    return FollowedCluster(entry, connections_of(entry), makes_slots)


def follow_once(tools: FollowTools, configuration: Configuration, clusters: Iterable[FollowedCluster]) -> bool:
    """One round; whether it had no problem."""
    active = [cluster for cluster in clusters if not unsuitable(cluster.entry, ReceiverState.STARTED)]
    questions = {
        f"{cluster.entry.name} {member.address}": question_to(cluster.entry, member)
        for cluster in active
        for member in cluster.members
    }
    answers = tools.ask(questions, tools.barman.user, ASK_TIMEOUT)
    healthy = True
    for cluster in active:
        name = cluster.entry.name
        members = {one.address: parse_member(answers.get(f"{name} {one.address}")) for one in cluster.members}
        try:
            with exclusive(configuration.home, change_lock(name), tools.barman.user):
                healthy = _follow_cluster(tools, configuration, cluster, members) and healthy
        except Held:
            # Another process stops this receiver. The next round finds out what became of it.
            continue
    return healthy


def _follow_cluster(
    tools: FollowTools,
    configuration: Configuration,
    cluster: FollowedCluster,
    members: Mapping[str, ClusterMember | None],
) -> bool:
    """Find what is to be done, and do it; whether there was no problem."""
    runs = _runs(tools, cluster)
    found = plan(members, makes_slots=cluster.makes_slots, receiver_runs=runs, idle_seconds=_idle(tools, cluster))
    primary = members.get(found.primary or "")
    used = primary is None or primary.slot is None or primary.slot.active
    if used or not runs:
        cluster.idle_since = None
    elif cluster.idle_since is None:
        cluster.idle_since = tools.clock()
    if (found.create or found.renew or found.start) and not _still_active(tools, cluster.entry.name):
        return True
    return _apply(tools, configuration, cluster, found)


def _still_active(tools: FollowTools, name: str) -> bool:
    """Whether the entry is there and active now: it may have been decommissioned since this process began."""
    servers = read(tools.barman.config_file, tools.barman.user).servers
    return name in servers and not unsuitable(servers[name], ReceiverState.STARTED)


def _idle(tools: FollowTools, cluster: FollowedCluster) -> float:
    return 0.0 if cluster.idle_since is None else tools.clock() - cluster.idle_since


def _runs(tools: FollowTools, cluster: FollowedCluster) -> bool:
    return receiver_pid(cluster.entry, tools.process) is not None


def _apply(tools: FollowTools, configuration: Configuration, cluster: FollowedCluster, found: FollowPlan) -> bool:
    """Apply the plan; whether nothing failed."""
    if not found.problem:
        primary = f"the primary is {found.primary}" if found.primary else "no member is a primary"
        # What it was at the beginning is no news.
        cluster.reported.setdefault("primary", primary)
        _report_new(tools, cluster, "primary", primary)
    _report_new(tools, cluster, "problem", found.problem)
    healthy = not found.problem
    by_address = {member.address: member for member in cluster.members}
    for address in (*found.create, *found.renew):
        try:
            _make_slot(tools, cluster, by_address[address], renew=address in found.renew)
            _report_new(tools, cluster, f"slot {address}", "")
        except HostError as exc:
            healthy = False
            _report_new(tools, cluster, f"slot {address}", str(exc))
    if found.start and tools.clock() >= cluster.retry_at:
        healthy = _start(tools, configuration, cluster, stop=found.stop) and healthy
    return healthy and not (found.start and tools.clock() < cluster.retry_at)


def _make_slot(tools: FollowTools, cluster: FollowedCluster, member: MemberConnection, *, renew: bool) -> None:
    """On a standby a slot stays where it is until it is made anew: only a receiver moves it, and that is elsewhere."""
    name = cluster.entry.get("slot_name") or ""
    session = tools.connect(member.streaming_conninfo, tools.barman.user, cluster.entry.name, replication=True)
    try:
        if renew:
            drop_slot(session, name)
        create_slot(session, name)
    finally:
        session.close()


def _start(tools: FollowTools, configuration: Configuration, cluster: FollowedCluster, *, stop: bool) -> bool:
    host = ReceiverHost(
        tools.barman,
        configuration,
        cluster.entry,
        tools.connect,
        _START_TIMEOUT,
        tools.clock,
        tools.pause,
        tools.process,
    )
    try:
        if stop:
            stop_process(host)
    except HostError as exc:
        cluster.retry_at = tools.clock() + _RETRY_AFTER
        _report_new(tools, cluster, "receiver", str(exc))
        return False
    outcome = set_receiver(host, ReceiverRequest(ReceiverState.STARTED, may_switch=True, prove=False), check_mode=False)
    cluster.idle_since = None
    if outcome.error is not None:
        cluster.retry_at = tools.clock() + _RETRY_AFTER
        _report_new(tools, cluster, "receiver", str(outcome.error))
        return False
    if outcome.changed:
        reset = outcome.values.get("reset")
        aside = f"; what the new primary does not have is in {reset['set_aside_directory']}" if reset else ""
        cluster.reported.pop("receiver", None)
        tools.report(f"{cluster.entry.name}: the WAL receiver was started{aside}")
    return True


def _report_new(tools: FollowTools, cluster: FollowedCluster, subject: str, text: str) -> None:
    """Report what is new about a subject."""
    if cluster.reported.get(subject, "") != text:
        cluster.reported[subject] = text
        if text:
            tools.report(f"{cluster.entry.name}: {text}")
