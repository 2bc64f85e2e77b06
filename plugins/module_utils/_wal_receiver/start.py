# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting a WAL receiver: the plan, and what has to be done before.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._barman.catalog import read_backups
from .._barman.receiver_log import log_size
from .._host.result import ServerOutcome
from .._host.waiting import Probe, WaitTimeout
from .._postgres import timeline_history, wal
from .._postgres.connection import QueryFailed
from .._postgres.diagnosis import Diagnosis, diagnose_stream, stream_diagnosis
from .._postgres.slots import create_slot, drop_slot, read_slot
from .._postgres.stream_state import refusal_kind
from .._postgres.wal_position import (
    Identity,
    identify,
    read_history,
)
from .files import set_aside, write_marker_file
from .observe import ReceiverError, ReceiverHost
from .plan import (
    Observation,
    Position,
    ReceiverPlan,
    Reset,
    nothing_archived_yet,
    on_history,
    receiver_position,
    reset_start,
    to_set_aside,
)
from .process import holding_lock, repeat_if_lock_held, start_process, stop_process
from .prove import prove
from .report import planned_state, state_of, values_of
from .request import ReceiverRequest

#: Problems that a reset mends.
RESETTABLE = ("other_timeline", "wal_removed", "ahead")


def ensure_started(host: ReceiverHost, outcome: ServerOutcome, request: ReceiverRequest, *, check_mode: bool) -> bool:
    """Start it if it does not run; whether it ran before. Raises HostError."""
    # What cron starts meanwhile may be all that is needed.
    return repeat_if_lock_held(host, lambda: start_as_observed(host, outcome, request, check_mode=check_mode))


def start_as_observed(
    host: ReceiverHost, outcome: ServerOutcome, request: ReceiverRequest, *, check_mode: bool
) -> bool:
    """Do what the receiver's present state needs; whether it ran before. Raises LockHeld if another process starts one, and HostError."""
    observed = host.observe()
    if observed.pid is not None and not observed.settled and not (observed.slot is not None and observed.slot.lost):
        # Cron started it a moment ago, or it is about to end.
        observed = settle(host, observed)
    outcome.before = state_of(observed)
    plan = plan_start(host, observed, request)
    if check_mode or not plan.changes:
        outcome.changed = plan.changes
        outcome.after = planned_state(host, observed, plan)
        outcome.values = values_of(host, observed, plan)
        return not plan.start
    start_of_log = log_size(host.log_file)
    set_aside_directory: str | None = None
    if plan.start:
        set_aside_directory = prepare(host, plan, observed)
        outcome.changed = True
        # The receiver that was stopped has written its last line.
        start_of_log = log_size(host.log_file)
        start_process(host, start_of_log)
    if plan.prove and request.prove:
        outcome.changed = True
        prove(host, start_of_log)
    after = host.observe()
    outcome.after = state_of(after)
    outcome.values = values_of(host, after, plan, set_aside_directory)
    return not plan.start


def settle(host: ReceiverHost, observed: Observation) -> Observation:
    """The receiver after it has streamed for a while, or ended."""

    def probe() -> Probe:
        current = host.observe()
        return Probe(current.settled or current.pid is None, "not streaming yet", current)

    try:
        settled: Observation = host.wait_for("the receiver", probe, interval=0.3, timeout=min(host.timeout, 15.0))
    except WaitTimeout:
        return observed
    return settled


def plan_start(host: ReceiverHost, observed: Observation, request: ReceiverRequest) -> ReceiverPlan:
    """What has to be done so that WAL is received. Raises ReceiverError if that is not enough."""
    slot_missing = bool(host.slot_name) and observed.slot is None
    if observed.works and not slot_missing and not (observed.slot is not None and observed.slot.lost):
        return ReceiverPlan(prove=nothing_archived_yet(observed))
    if observed.slot is not None and observed.slot.active and observed.pid is None:
        raise ReceiverError(
            (
                f"Barman server '{host.server.name}': the replication slot '{host.slot_name}' is in use by "
                f"{host.user_of(observed.slot)}, and not by the receiver of this host. Stop "
                "that client, or set another barman_slot_name for this server (Barman's option slot_name)"
            ),
            "slot_active",
        )
    replication = host.replication()
    identity = identify(replication)
    host.check_identity(identity)
    lost = observed.slot is not None and observed.slot.lost
    # A slot that is lost keeps no WAL, but the WAL may still be there: then a new slot loses nothing.
    problem, position = diagnose_start(host, observed, identity)
    stop = observed.pid is not None
    if problem is None:
        begin_at = position.segment if position is not None and position.file is None else None
        return ReceiverPlan(stop, lost, None, begin_at, slot_missing or lost, start=True, prove=True)
    if not request.may_reset and not (request.may_switch and has_left(problem, position, identity)):
        raise ReceiverError(problem.message, problem.kind)
    return ReceiverPlan(
        stop=stop,
        drop_slot=lost,
        reset=plan_reset(host, observed, identity, problem, position, may_leave_gap=request.may_reset),
        create_slot=slot_missing or lost,
        start=True,
        prove=True,
    )


def has_left(problem: Diagnosis, position: Position | None, identity: Identity) -> bool:
    """Whether the server goes on with a later timeline, which began before the receiver's position: a failover that lost what the receiver has."""
    return problem.kind == "other_timeline" and position is not None and identity.timeline > position.segment.timeline


def diagnose_start(
    host: ReceiverHost, observed: Observation, identity: Identity
) -> tuple[Diagnosis | None, Position | None]:
    """Why PostgreSQL does not stream from where the receiver stands, if a reset mends that; and where it stands.

    Raises ReceiverError for any other refusal.
    """
    size = observed.position.segment_size
    position = receiver_position(observed.archived.received, size)
    if position is None and observed.archived.newest is not None:
        position = Position(observed.archived.newest.next(size))
    if position is None:
        return None, None
    refusal = host.refusal(position.segment, size)
    if refusal is None:
        return None, position
    history = read_history(host.replication(), identity.timeline)
    begin = position.segment.begin_lsn(size)
    kind = refusal_kind(begin, position.segment.timeline, identity.lsn, history, refusal.sqlstate)
    if kind is not None:
        return stream_diagnosis(kind, host.endpoint(), str(position.segment)), position
    # The state does not explain it, so nothing is reset, whatever the words are.
    text = "Barman server '%s': PostgreSQL does not stream WAL from segment %s: %s"
    hint = diagnose_stream(refusal, host.endpoint())
    if hint is None or hint.kind in RESETTABLE:
        raise ReceiverError(text % (host.server.name, position.segment, refusal))
    raise ReceiverError(hint.message, hint.kind)


def plan_reset(
    host: ReceiverHost,
    observed: Observation,
    identity: Identity,
    problem: Diagnosis,
    position: Position | None,
    *,
    may_leave_gap: bool,
) -> Reset:
    size = observed.position.segment_size
    history = read_history(host.replication(), identity.timeline)
    current = wal.segment_of_lsn(identity.timeline, identity.lsn, size)
    desired = reset_start(observed.archived.segments, read_backups(host.server), history, position, size) or current
    if desired.number(size) > current.number(size):
        desired = current
    start = oldest_streamable(host, desired, current, history, size)
    if not may_leave_gap and start != desired:
        raise ReceiverError(
            f"Barman server '{host.server.name}': the WAL from segment {desired} to {start} was removed from PostgreSQL before Barman had it. Run the "
            "playbook pgdr.barman.repair, which continues behind the gap and takes a new full backup",
            "wal_removed",
        )
    return Reset(problem.kind, start, to_set_aside(observed.archived.received, start, size))


def oldest_streamable(
    host: ReceiverHost,
    desired: wal.Segment,
    current: wal.Segment,
    history: Sequence[timeline_history.TimelineSegment],
    size: int,
) -> wal.Segment:
    """The oldest segment, from the desired one on, that PostgreSQL can still stream."""
    low, high = desired.number(size), current.number(size)
    if low >= high or host.refusal(desired, size) is None:
        return desired
    # Segments are removed from the oldest on: halve until the border is found.
    while low + 1 < high:
        middle = (low + high) // 2
        if host.refusal(on_history(middle, history, size), size) is None:
            high = middle
        else:
            low = middle
    return on_history(high, history, size) if high != current.number(size) else current


def prepare(host: ReceiverHost, plan: ReceiverPlan, observed: Observation) -> str | None:
    """Do everything before the receiver is started; cron can't start it meanwhile. The directory of files that a reset has set aside."""
    set_aside_directory: str | None = None
    if plan.stop:
        stop_process(host)
    with holding_lock(host):
        if plan.drop_slot and observed.slot is not None:
            drop_slot(host.replication(), host.slot_name)
        if plan.create_slot:
            create_own_slot(host)
        if plan.reset is not None:
            # What is complete goes into the archive, and only what is left aside.
            host.barman.text("archive-wal", host.server.name)
            set_aside_directory = set_aside(host, plan.reset.set_aside)
        begin_at = plan.reset.start if plan.reset is not None else plan.begin_at
        if begin_at is not None:
            write_marker_file(host, begin_at)
    return set_aside_directory


def create_own_slot(host: ReceiverHost) -> None:
    try:
        create_slot(host.replication(), host.slot_name)
    except QueryFailed as exc:
        found = diagnose_stream(str(exc), host.endpoint())
        raise ReceiverError(found.message if found else str(exc), found.kind if found else "other") from None


def drop_former_slots(host: ReceiverHost, outcome: ServerOutcome, names: Sequence[str], *, check_mode: bool) -> None:
    """Drop the slots that this server's receivers used before. Raises ReceiverError if somebody uses one."""
    slots = [slot for slot in (read_slot(host.sql(), name) for name in names) if slot is not None]
    for slot in slots:
        if slot.active:
            raise ReceiverError(
                f"Barman server '{host.server.name}': its former replication slot '{slot.name}' can't be dropped: it "
                f"is in use by {host.user_of(slot)}",
                "slot_active",
            )
    if slots:
        outcome.changed = True
        outcome.before["former_slots"] = [slot.name for slot in slots]
        outcome.after["former_slots"] = []
    for slot in [] if check_mode else slots:
        drop_slot(host.replication(), slot.name)
