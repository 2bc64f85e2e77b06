# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks that a whole playbook run holds on a managed host, from its first change until its report.

This module util is private to the collection. No process on the managed host lives as long as such a run, so the lock is a
file that names the run and its process on the controller. The controller decides whether that process still runs.
The files are local facts of Ansible: the module setup reads them, so a playbook that gathers facts needs no other module.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from .process import HostError
from .result import Result
from .safe_files import make_directories, remove_file, write_file

DIRECTORY = "/etc/ansible/facts.d"
# The name of the local fact is this and the run's id.
PREFIX = "pgdr_barman_run_"
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}\Z")
_SUFFIX = ".fact"
_LONGEST = 65536
# The kernel's number for the namespace of a machine's own processes (PROC_PID_INIT_INO in linux/proc_ns.h).
_FIRST_NAMESPACE = "pid:[4026531836]"


@dataclass(frozen=True)
class Controller:
    """A process of ansible-playbook: enough to find out on the same machine whether it still runs.

    machine: its id and host name. boot: the id of the kernel's boot. namespace: that of its process ids. started: in clock ticks.
    """

    account: str
    machine: str
    boot: str
    namespace: str
    pid: int
    started: int


@dataclass(frozen=True)
class RunLock:
    """One run's lock on one host. resources: what nobody else may change. since: when it was taken."""

    run: str
    purpose: str
    since: str
    resources: tuple[str, ...]
    controller: Controller

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "resources": list(self.resources)}

    def __str__(self) -> str:
        return f"run {self.run} ({self.purpose}, started by {self.controller.account}, process {self.controller.pid}, since {self.since})"


class Life(enum.Enum):
    """Whether the run that holds a lock still runs."""

    ALIVE = "it still runs"
    DEAD = "it has ended"
    UNKNOWN = "this controller can't find out whether it still runs"


@dataclass(frozen=True)
class LockPlan:
    """What taking a lock changes. holders: the other runs that hold what is requested; with any of them nothing is changed."""

    holders: tuple[RunLock, ...]
    remove: tuple[str, ...]
    write: RunLock | None

    @property
    def changed(self) -> bool:
        return not self.holders and bool(self.remove or self.write)


def plan(current: Sequence[RunLock], desired: RunLock, ended: Iterable[str]) -> LockPlan:
    """What to change so that the desired run holds its resources. ended: the runs whose locks are void."""
    void = set(ended) - {desired.run}
    others = [one for one in current if one.run != desired.run]
    holders = tuple(one for one in others if one.run not in void and set(one.resources).intersection(desired.resources))
    if holders:
        return LockPlan(holders, (), None)
    own = next((one for one in current if one.run == desired.run), None)
    if own is not None:
        added = [one for one in desired.resources if one not in own.resources]
        desired = RunLock(
            run=own.run,
            purpose=own.purpose,
            since=own.since,
            resources=(*own.resources, *added),
            controller=desired.controller,
        )
    return LockPlan(
        (),
        tuple(one.run for one in others if one.run in void),
        None if own == desired else desired,
    )


def holder_life(holder: Controller, here: Controller, start_of: Mapping[int, int]) -> Life:
    """Whether the holder's process still runs. start_of: the start of each process of this controller, by its id.

    A process works on one recovery at a time, so an earlier lock of the process that asks is void. Containers may share a machine
    id and a host name, so the end of a boot proves something only outside of them.
    """
    if holder.boot != here.boot:
        same_machine = holder.machine == here.machine and holder.namespace == here.namespace == _FIRST_NAMESPACE
        return Life.DEAD if same_machine else Life.UNKNOWN
    if holder.namespace != here.namespace:
        return Life.UNKNOWN
    if (holder.pid, holder.started) == (here.pid, here.started):
        return Life.DEAD
    return Life.ALIVE if start_of.get(holder.pid) == holder.started else Life.DEAD


def parse(value: Any) -> RunLock | None:
    """The lock that a local fact describes; None if it is not one."""
    try:
        lock = RunLock(
            run=str(value["run"]),
            purpose=str(value["purpose"]),
            since=str(value["since"]),
            resources=tuple(str(one) for one in value["resources"]),
            controller=Controller(
                account=str(value["controller"]["account"]),
                machine=str(value["controller"]["machine"]),
                boot=str(value["controller"]["boot"]),
                namespace=str(value["controller"]["namespace"]),
                pid=int(value["controller"]["pid"]),
                started=int(value["controller"]["started"]),
            ),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return lock if RUN_ID.match(lock.run) else None


def from_facts(local: Any) -> list[RunLock]:
    """The locks among a host's local facts (ansible_facts.ansible_local)."""
    facts = local.items() if isinstance(local, Mapping) else ()
    found = [parse(value) for name, value in facts if str(name).startswith(PREFIX)]
    return sorted((one for one in found if one is not None), key=lambda one: one.run)


def read(directory: str) -> list[RunLock]:
    """The locks on this host. Raises HostError if one can't be read."""
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise HostError(f"{directory} can't be read: {exc.strerror}") from None
    found: list[RunLock] = []
    for name in names:
        if not (name.startswith(PREFIX) and name.endswith(_SUFFIX)):
            continue
        path = os.path.join(directory, name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise HostError(f"the lock {path} can't be read: {exc.strerror}") from None
        with os.fdopen(handle, "rb") as stream:
            text = stream.read(_LONGEST)
        try:
            lock = parse(json.loads(text))
        except ValueError:
            lock = None
        if lock is None or lock.run != name[len(PREFIX) : -len(_SUFFIX)]:
            raise HostError(
                f"the lock {path} is not valid. If no run of pgdr.barman.recover works on this host, remove the file"
            )
        found.append(lock)
    return found


def take(desired: RunLock, ended: Iterable[str], *, check_mode: bool, directory: str) -> tuple[LockPlan, list[RunLock]]:
    """Take the lock; what was changed, and the locks on this host then. Raises HostError if it can't be written."""
    try:
        if check_mode and not os.path.isdir(directory):
            return plan([], desired, ended), []
        with contextlib.ExitStack() as stack:
            if not check_mode:
                make_directories(directory, 0o755)
                stack.enter_context(_mutex(directory))
            current = read(directory)
            planned = plan(current, desired, ended)
            if check_mode:
                return planned, current
            for run in planned.remove:
                remove_file(_path(directory, run))
            if planned.write is not None:
                write_file(
                    _path(directory, planned.write.run),
                    json.dumps(planned.write.as_dict(), sort_keys=True) + "\n",
                    0o644,
                )
            return planned, read(directory)
    except OSError as exc:
        raise HostError(f"the lock can't be written in {directory}: {exc.strerror}") from None


def release(run: str, *, check_mode: bool, directory: str) -> bool:
    """Release what that run holds on this host; whether there was anything. Raises HostError if it can't be removed."""
    path = _path(directory, run)
    if check_mode:
        return os.path.lexists(path)
    if not os.path.lexists(path):
        return False
    remove_file(path)
    return True


def set_lock(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module lock. The result fails if other runs hold the resources. Raises HostError."""
    run = params["run"]
    if not RUN_ID.match(run):
        raise HostError(f"run: '{run}' contains other characters than letters, digits and hyphens")
    if params["state"] == "released":
        changed = release(run, check_mode=check_mode, directory=DIRECTORY)
        return Result(changed, {"runs": [one.run for one in read(DIRECTORY)], "removed": []})
    desired = parse({**params, "since": datetime.now(timezone.utc).isoformat(timespec="seconds")})
    if desired is None:
        raise HostError("controller: the process of ansible-playbook is missing. The module's action plugin sets it")
    planned, locks = take(desired, params["take_over"], check_mode=check_mode, directory=DIRECTORY)
    if planned.holders:
        return Result(
            values={"holders": [one.as_dict() for one in planned.holders]},
            failure="; ".join(f"locked by {one}" for one in planned.holders),
        )
    return Result(planned.changed, {"runs": [one.run for one in locks], "removed": list(planned.remove)})


def _path(directory: str, run: str) -> str:
    return os.path.join(directory, f"{PREFIX}{run}{_SUFFIX}")


@contextlib.contextmanager
def _mutex(directory: str) -> Iterator[None]:
    """Between two runs that read and write at the same moment."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
