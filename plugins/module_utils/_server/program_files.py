# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program pgdr-barman on a backup server: its code, its settings, its lines of cron. What is to do, and doing it.

This module util is private to the collection. Everything belongs to root. The code is in a directory that has the name of its identity, and a
symbolic link leads to it: a process has the old code or the new one, complete.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._host.files import names_in, read_text, walk, write_atomic
from .._host.marked_block import split_block
from .._host.metrics_file import SAMPLE, remove_metrics, writers
from .._host.process import HostError
from .._host.result import Result, file_diff
from .._host.safe_files import ids_of, make_directories, remove_file, writing_as
from .schedule_file import block_of

NAME = "pgdr-barman"
PACKAGE = "pgdr_barman"
MARK = "# Written by the collection pgdr.barman. Changes are lost."
_LINK = "current"
_IDENTITY = re.compile(r"[0-9a-f]{16,64}\Z")
#: What an installation leaves that was killed.
_UNFINISHED = ".new-"

#: Seconds to wait for a sample of the metrics that is under way, with PostgreSQL servers that do not answer.
_PATIENCE = 60.0 + SAMPLE

Sources = Callable[[], Mapping[str, str]]


SETTINGS = "/etc/pgdr-barman.json"
#: So that no file of somebody else is replaced.
_MADE_BY = {"made_by": "pgdr.barman"}


@dataclass(frozen=True)
class Places:
    """Where the program is on a host. Another root is for tests alone."""

    root: str = ""

    @property
    def library(self) -> str:
        return self.root + "/usr/local/lib/pgdr.barman/program"

    @property
    def command(self) -> str:
        return self.root + "/usr/local/bin/" + NAME

    @property
    def settings(self) -> str:
        return self.root + SETTINGS

    @property
    def schedule(self) -> str:
        return self.root + "/etc/cron.d/" + NAME


@dataclass(frozen=True)
class Program:
    """What is to be there. identity: a digest of the code. settings: what the commands read. lines: those of cron."""

    identity: str
    settings: Mapping[str, Any]
    lines: Sequence[str] = ()

    @property
    def settings_text(self) -> str:
        return json.dumps({**self.settings, **_MADE_BY}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Installed:
    """What is there. versions: the names in the program's directory but for the link. None: there is no such file."""

    identity: str | None = None
    versions: tuple[str, ...] = ()
    command: str | None = None
    settings: str | None = None
    schedule: str | None = None


@dataclass(frozen=True)
class ProgramPlan:
    """What has to be done. write: texts by path; None removes the file."""

    identity: str | None = None
    install: bool = False
    write: Mapping[str, str | None] | None = None
    remove: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.install or self.write or self.remove)


def command_text(places: Places, interpreter: str) -> str:
    """The file that a person starts. -I: neither the caller's environment nor the current directory changes what is imported."""
    return (
        f"#!{interpreter} -I\n{MARK}\nimport os\nimport sys\n\n"
        # A process imports one version only.
        f"sys.path.insert(0, os.path.realpath({places.library + '/' + _LINK!r}))\n"
        f"from {PACKAGE}._program.main import main\n\nsys.exit(main(sys.argv[1:]))\n"
    )


def make_plan(desired: Program | None, current: Installed, places: Places, interpreter: str) -> ProgramPlan:
    """What has to be done. desired None: nothing of it is to be there. Raises HostError if a file is not this collection's."""
    foreign = [
        path
        for path, text, is_ours in (
            (places.command, current.command, (current.command or "").splitlines()[1:2] == [MARK]),
            (places.settings, current.settings, _has_mark(current.settings)),
        )
        if text is not None and not is_ours
    ]
    if foreign:
        raise HostError(
            f"{' and '.join(foreign)}: exists and was not created by this collection. Move it away, and run the playbook again"
        )
    try:
        schedule = schedule_text(current.schedule, desired.lines if desired is not None else ())
    except HostError as exc:
        raise HostError(f"{places.schedule}: {exc}") from None
    if desired is None:
        texts: dict[str, tuple[str | None, str | None]] = {
            places.schedule: (current.schedule, schedule),
            places.command: (current.command, None),
            places.settings: (current.settings, None),
        }
        write = {path: new for path, (old, new) in texts.items() if old != new}
        remove = (*((_LINK,) if current.identity is not None else ()), *current.versions)
        return ProgramPlan(write=write, remove=remove)
    # The lines of cron come last: what they start is there.
    texts = {
        places.settings: (current.settings, desired.settings_text),
        places.command: (current.command, command_text(places, interpreter)),
        places.schedule: (current.schedule, schedule),
    }
    install = desired.identity != current.identity or desired.identity not in current.versions
    return ProgramPlan(
        identity=desired.identity,
        install=install,
        write={path: new for path, (old, new) in texts.items() if old != new},
        # A command that runs keeps the code that it was started with.
        remove=tuple(name for name in current.versions if name not in (desired.identity, current.identity))
        if install
        else (),
    )


def _has_mark(settings: str | None) -> bool:
    try:
        found = json.loads(settings or "")
    except ValueError:
        return False
    return isinstance(found, dict) and _MADE_BY.items() <= found.items()


def schedule_text(current: str | None, lines: Sequence[str]) -> str | None:
    """The file of cron with these lines in its block, and all others as they are; None if nothing is left. Raises HostError."""
    above, _block, below = split_block((current or "").splitlines(), "it")
    text = [*above, *block_of(lines), *below]
    return "".join(f"{line}\n" for line in text) if text else None


def observe(places: Places) -> Installed:
    """What is there. Raises HostError if a file can't be read."""
    link = os.path.join(places.library, _LINK)
    identity = os.readlink(link) if os.path.islink(link) else None
    return Installed(
        identity=identity,
        versions=tuple(
            name for name in names_in(places.library) if _IDENTITY.match(name) or name.startswith(_UNFINISHED)
        ),
        command=read_text(places.command),
        settings=read_text(places.settings),
        schedule=read_text(places.schedule),
    )


def is_current(arguments: Mapping[str, Any], root: str = "") -> bool:
    """Whether nothing is to be done. arguments: those of the module. False if a file can't be read."""
    places = Places(root)
    try:
        return not make_plan(_desired(arguments), observe(places), places, sys.executable).changed
    except HostError:
        return False


def apply(plan: ProgramPlan, places: Places, sources: Sources, user: str) -> None:
    """Do it. user: whose group reads the settings. Raises HostError."""
    if plan.install and plan.identity is not None:
        _install(plan.identity, places, sources())
    # Whatever starts the code goes before the code.
    for path, text in (plan.write or {}).items():
        if text is None:
            remove_file(path)
        elif path == places.settings:
            write_atomic(path, text, 0o640, "root", group_of=user)
        else:
            write_atomic(path, text, 0o755 if path == places.command else 0o644, "root")
    _remove(plan, places)


def _remove(plan: ProgramPlan, places: Places) -> None:
    """Remove versions, and what then is empty. Raises HostError."""
    with writing_as(None, places.library):
        for name in plan.remove:
            path = os.path.join(places.library, name)
            if os.path.islink(path):
                os.unlink(path)
            else:
                shutil.rmtree(path)
        if plan.identity is None and plan.remove:
            os.rmdir(places.library)
            # Hook scripts may be beside it.
            if not names_in(os.path.dirname(places.library)):
                os.rmdir(os.path.dirname(places.library))


def _install(identity: str, places: Places, sources: Mapping[str, str]) -> None:
    """Write the code, compile it, and let the link lead there. Raises HostError."""
    # Only an installation needs it, and each deployment asks whether one is needed.
    import compileall

    make_directories(places.library, 0o755, ids_of("root"))
    directory = os.path.join(places.library, identity)
    unfinished = os.path.join(places.library, _UNFINISHED + secrets.token_hex(8))
    link = os.path.join(places.library, _UNFINISHED + secrets.token_hex(8))
    # Only root writes in these directories, so no user's link is followed.
    with writing_as(None, places.library):
        for path, source in sources.items():
            target = os.path.join(unfinished, PACKAGE, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8") as stream:
                stream.write(source)
        # Barman's user can't write compiled code there, and would compile all of it at every start.
        compileall.compile_dir(unfinished, quiet=2)
        for top, _names, names in walk(unfinished):
            os.chmod(top, 0o755)
            for name in names:
                os.chmod(os.path.join(top, name), 0o644)
        if os.path.isdir(directory):
            shutil.rmtree(directory)
        os.rename(unfinished, directory)
        os.symlink(identity, link)
        os.replace(link, os.path.join(places.library, _LINK))


def program_argument_spec() -> dict[str, Any]:
    """The arguments of the modules host_program and host_state."""
    return {
        "identity": {"type": "str", "default": ""},
        "settings": {"type": "dict", "default": {}},
        "schedule_lines": {"type": "list", "elements": "str", "default": []},
    }


def _desired(arguments: Mapping[str, Any]) -> Program:
    identity = arguments["identity"]
    if not _IDENTITY.match(identity):
        raise HostError(f"identity: '{identity}' is not a digest of 16 to 64 hexadecimal digits")
    return Program(identity, arguments["settings"], arguments["schedule_lines"])


def install_program(params: Mapping[str, Any], sources: Sources, *, check_mode: bool, root: str = "") -> Result:
    """The operation of the module host_program. Raises HostError."""
    places = Places(root)
    desired = _desired(params) if params["state"] == "present" else None
    current = observe(places)
    plan = make_plan(desired, current, places, sys.executable)
    metrics = str(params["metrics_file"] or "") if desired is None else ""
    if plan.changed and not check_mode:
        apply(plan, places, sources, params["user"])
    removed = False
    if metrics and check_mode:
        # A process that writes it may have begun, and not written yet.
        removed = os.path.lexists(metrics) or bool(writers(metrics))
    elif metrics:
        # Nothing starts another one any more.
        removed = remove_metrics(metrics, _PATIENCE)
    before = {places.settings: current.settings, places.schedule: current.schedule, places.command: current.command}
    diff = [file_diff(path, before[path] or "", text or "") for path, text in (plan.write or {}).items()]
    if plan.install or plan.remove:
        versions = [f"{current.identity or ''}\n", f"{plan.identity or ''}\n"]
        diff.append(file_diff(places.library, *versions))
    if removed:
        diff.append({"before_header": metrics, "before": "present\n", "after_header": metrics, "after": ""})
    return Result(plan.changed or removed, {"identity": plan.identity}, diff=diff)
