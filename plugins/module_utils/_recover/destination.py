# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a recovery goes: a directory of this host, or of another one by SSH.

This module util is private to the collection. Both are looked at and changed by the same small shell scripts, given
on standard input: by Barman's user here, or by the remote user there.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._host.files import read_text
from .._host.paths import normal_path
from .._host.process import Command, CommandTimeout, Completed, HostError, Runner
from .._host.safe_files import temporary_directory
from .._postgres import control_file
from .._postgres.control_file import ControlFile
from . import directories_in_use
from .directories_in_use import UsedDirectory

MARKER = ".pgdr-recovery.json"
WAL_DIRECTORY = "barman_wal"

# pg_basebackup, pg_rewind and Barman's rsync leave out every name that begins with pgsql_tmp.
ASIDE_PREFIX = "pgsql_tmp.pgdr-moved-aside-"
RESTORE_PREFIX = "pgsql_tmp.pgdr-restore-"

# Barman writes the path unquoted into restore_command and recovery_end_command, which a shell runs.
_PATH = re.compile(r"/[A-Za-z0-9._+=@,/-]+\Z")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+\Z")
_USER = re.compile(r"[A-Za-z0-9._-]+\Z")
_WITH_AES = re.compile(r"^(flags|Features)\s*:.*\baes\b", re.MULTILINE)
_SSH_REASONS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the one in known_hosts of '%(barman)s'. If the host was set up anew, replace the key there",
    ),
    (
        "Host key verification failed",
        "its host key is not in known_hosts of '%(barman)s' on the backup server. The playbook pgdr.barman.recover adds it for the time of its run, "
        "and removes it when the run ends: run that playbook. If you call the module pgdr.barman.recover yourself, add the key there first",
    ),
    (
        "Permission denied",
        "it does not accept the SSH key of '%(barman)s'. Add that user's public key to authorized_keys of '%(user)s' there",
    ),
    (
        "Connection refused",
        "nothing listens on port %(port)s there. Is sshd running, is barman_ssh_port of that host right (option remote_port of the module)?",
    ),
    ("timed out", "it does not answer on port %(port)s. Is the host up, is a firewall between?"),
    ("No route to host", "there is no network route to it"),
    (
        "Could not resolve hostname",
        "the name can't be resolved on the backup server. Write an address as barman_address of that host (option remote_host of the module)",
    ),
)

_INSPECT = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
# A directory of somebody else can't be moved into another one, and an immutable file can't be moved at all.
stuck() {
    find "$path/" -mindepth 1 -maxdepth 1 -type d ! -writable -printf '%f\n' 2>/dev/null
    lsattr -a -- "$path/" 2>/dev/null | awk '$1 ~ /[ia]/ { sub(".*/", "", $2); print $2 }' | grep -Ev '^[.]+$'
}
look() {
    name=$1 path=$2
    if [ -L "$path" ]; then say "$name.link" yes; fi
    if [ -d "$path" ]; then
        if entries=$(ls -A "$path" 2>/dev/null); then
            say "$name.kind" directory
            kept='^lost[+]found$|^pgsql_tmp[.]pgdr-moved-aside-'
            say "$name.entries" "$(printf '%s\n' "$entries" | grep -Ev "$kept" | head -n 4 | tr '\n' ' ')"
            # Of a tablespace's directory only what is of this version is the server's.
            case $name in t*|l*) own="^PG_${major}_|^pgsql_tmp[.]pgdr-restore-" ;; *) own=. ;; esac
            printf '%s\n' "$entries" | grep -Ev "$kept" | grep -Eq "$own" && say "$name.own" yes
            [ -n "$entries" ] && printf '%s\n' "$entries" | grep -Eq "$kept" && say "$name.others" yes
            printf '%s\n' "$entries" | grep -Ev "$kept" | grep -Evq "$own" && say "$name.others" yes
            say "$name.stuck" "$(stuck | grep -Ev "$kept" | grep -E "$own" | sort -u | head -n 4 | tr '\n' ' ')"
        else
            say "$name.kind" unreadable
        fi
        [ -w "$path" ] && say "$name.writable" yes
        room=$path
    else
        [ -e "$path" ] && say "$name.kind" other
        room=$(dirname "$path")
        while [ ! -d "$room" ]; do room=$(dirname "$room"); done
        [ -w "$room" ] && [ -x "$room" ] && say "$name.writable" yes
    fi
    parent=$(dirname "$path")
    [ -w "$parent" ] && say "$name.movable" yes
    # A bind mount has the device of its parent, and a small system may be without mountpoint.
    if [ -d "$path" ] && [ ! -L "$path" ]; then
        if mountpoint -q "$path" 2>/dev/null || [ "$(stat -c %d "$path")" != "$(stat -c %d "$parent")" ]; then
            say "$name.mount" yes
        fi
    fi
    if [ -d "$path" ] && [ -r /proc/self/mountinfo ]; then
        say "$name.mounts" "$(awk -v p="$(readlink -f -- "$path")/" 'index($5, p) == 1 { print $5 }' /proc/self/mountinfo | tr '\n' ' ')"
    fi
    say "$name.real" "$(readlink -m -- "$path")"
    say "$name.ancestor" "$room"
    say "$name.free" "$(df -Pk "$room" 2>/dev/null | awk 'NR == 2 { print $4 }')"
    say "$name.device" "$(df -Pk "$room" 2>/dev/null | awk 'NR == 2 { print $6 }')"
}
say user "$(id -un)"
command -v rsync >/dev/null 2>&1 && say rsync yes
for program in lz4 zstd pg_combinebackup; do command -v "$program" >/dev/null 2>&1 && say program "$program"; done
if [ -r "$dest/postmaster.pid" ]; then
    pid=$(head -n 1 "$dest/postmaster.pid")
    case $pid in
        ''|*[!0-9]*) ;;
        *)
            comm=$(cat "/proc/$pid/comm" 2>/dev/null || ps -p "$pid" -o comm= 2>/dev/null || true)
            case $comm in *postgres*|*postmaster*) say running "$pid" ;; esac
            ;;
    esac
fi
[ -f "$dest/PG_VERSION" ] && say version "$(head -n 1 "$dest/PG_VERSION")"
[ -f "$dest/recovery.signal" ] && say signal recovery
[ -f "$dest/standby.signal" ] && say signal standby
[ -r "$dest/global/pg_control" ] && say control "$(od -An -v -tx1 -N "$control" "$dest/global/pg_control" | tr -d ' \n')"
[ -r "$dest/$marker" ] && say marker "$(head -c 65536 "$dest/$marker" | tr '\n' ' ')"
look dest "$dest"
if [ -z "$wal" ] && [ -L "$dest/pg_wal" ]; then wal=$(readlink -m -- "$dest/pg_wal"); fi
if [ -n "$wal" ]; then say wal "$wal"; look wal "$wal"; fi
left=0
for link in "$dest"/pg_tblspc/*; do
    [ -L "$link" ] || continue
    points=$(readlink -m -- "$link")
    say "l$left.path" "$points"
    look "l$left" "$points"
    left=$((left + 1))
done
"""

_VERIFY = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
[ -f "$dest/PG_VERSION" ] && say version "$(head -n 1 "$dest/PG_VERSION")"
[ -f "$dest/backup_label" ] && say backup_label yes
[ -f "$dest/global/pg_control" ] && say pg_control yes
[ -f "$dest/recovery.signal" ] && say signal recovery
[ -f "$dest/standby.signal" ] && say signal standby
if [ -f "$dest/postgresql.auto.conf" ]; then
    grep -E '^(recovery_target[a-z_]*|restore_command|recovery_end_command|archive_command) *=' \
        "$dest/postgresql.auto.conf" | while IFS= read -r line; do say setting "$line"; done
fi
if [ -d "$wal" ]; then find "$wal" -maxdepth 1 -type f -printf 'pgdr:wal=%f %s\n'; fi
for file in postgresql.conf pg_hba.conf pg_ident.conf; do
    [ -f "$dest/$file" ] || say missing "$file"
done
"""


# A standby's backup is a standby: its signal wins over that of a recovery, and it would go on recovering for ever.
_NO_STANDBY = r"""
if [ -f "$dest/standby.signal" ]; then
    rm -f -- "$dest/standby.signal"
    if [ -f "$dest/postgresql.auto.conf" ]; then
        sed -i -E '/^[[:space:]]*(primary_conninfo|primary_slot_name|recovery_min_apply_delay)[[:space:]]*=/d' "$dest/postgresql.auto.conf"
    fi
fi
"""


_MOUNTED = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
command -v findmnt >/dev/null 2>&1 && say findmnt yes
ask() {
    options=$(findmnt -n -o OPTIONS --mountpoint "$2" 2>/dev/null | tail -n 1)
    if [ -n "$options" ]; then say "$1" "$options"; fi
}
"""


_MOVE_ASIDE = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
done=0
undo() {
    trap - TERM HUP INT
    aim back
    n=$done
    while [ "$n" -gt 0 ]; do
        pair "$n"
        if mv -T -- "$to" "$from"; then say back "$from"; else say stuck "$to"; fi
        n=$((n - 1))
    done
    exit 1
}
# The links in the old data directory follow the tablespaces: their old names are about to be the new server's.
aim() {
    for link in "$old"/pg_tblspc/*; do
        [ -L "$link" ] || continue
        points=$(readlink -m -- "$link")
        n=1
        while [ "$n" -le "$count" ]; do
            pair "$n"
            if [ "$1" = back ]; then was=$to becomes=$from; else was=$from becomes=$to; fi
            was=$(readlink -m -- "$was") new=
            case $points in
                "$was") new=$becomes ;;
                "$was"/*) new=$becomes${points#"$was"} ;;
            esac
            if [ -n "$new" ]; then
                ln -s -- "$new" "$link.pgdr" && mv -T -- "$link.pgdr" "$link" || return 1
                break
            fi
            n=$((n + 1))
        done
    done
}
n=1
while [ "$n" -le "$count" ]; do
    pair "$n"
    if [ -e "$to" ] || [ -L "$to" ]; then echo "$to exists already" >&2; exit 1; fi
    n=$((n + 1))
done
trap undo TERM HUP INT
next=1
while [ "$next" -le "$count" ]; do
    pair "$next"
    mv -T -- "$from" "$to" || undo
    done=$next
    next=$((next + 1))
done
aim forth || undo
say moved yes
"""


class DestinationError(HostError):
    """The destination can't be reached, or a script failed there."""


@dataclass(frozen=True)
class Place:
    """One directory to be filled: the data directory, or a tablespace's.

    kind: "" where nothing is there, directory, other, or unreadable. entries: what is there, without lost+found and what an
    earlier recovery moved aside. own: some of it is the server's; others: something there is not. stuck: entries that can't be
    moved. mounts: what is mounted below it. free: bytes of the file system. real: the path, links followed.
    """

    path: str
    kind: str = ""
    entries: str = ""
    writable: bool = False
    movable: bool = False
    link: bool = False
    mount: bool = False
    ancestor: str = ""
    free: int | None = None
    device: str = ""
    own: bool = False
    others: bool = False
    stuck: str = ""
    mounts: tuple[str, ...] = ()
    real: str = ""

    @property
    def occupied(self) -> bool:
        return self.kind in ("other", "unreadable") or bool(self.entries.strip())


@dataclass(frozen=True)
class State:
    """What is at the destination. running: the process id of a server that runs in it. wal: the directory that pg_wal is a link to.

    used: the directories that running servers use. leftovers: the locations of the old server's tablespaces that are none of the recovery's and have
    files of the old server.
    """

    place: Place
    tablespaces: Mapping[str, Place] = field(default_factory=dict)
    leftovers: tuple[Place, ...] = ()
    user: str = ""
    rsync: bool = False
    programs: tuple[str, ...] = ()
    running: int | None = None
    version: str | None = None
    signal: str | None = None
    marker: Mapping[str, Any] | None = None
    control: ControlFile | None = None
    wal: Place | None = None
    used: tuple[UsedDirectory, ...] = ()

    @property
    def places(self) -> list[Place]:
        return [self.place, *self.tablespaces.values()]


@dataclass(frozen=True)
class LaidDown:
    """What a recovery left at the destination."""

    version: str | None
    backup_label: bool
    pg_control: bool
    signal: str | None
    settings: Mapping[str, str]
    wal: Mapping[str, int]
    missing_files: tuple[str, ...]


@dataclass(frozen=True)
class Destination:
    """Where a recovery goes. tablespaces: name to location, for all that the backup has."""

    directory: str
    host: str | None = None
    user: str = "postgres"
    port: int | None = None
    ssh_options: tuple[str, ...] = ()
    tablespaces: Mapping[str, str] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """What is wrong with the options themselves."""
        found = [
            problem
            for option, path in [("destination", self.directory), *self._locations()]
            for problem in path_problems(option, path)
        ]
        if self.host is not None and (not _HOST.match(self.host) or self.host.startswith("-")):
            found.append("remote_host: '%s' is neither a host name nor an address" % self.host)
        if not _USER.match(self.user) or self.user.startswith("-"):
            found.append("remote_user: '%s' is not the name of a user" % self.user)
        return found

    def _locations(self) -> list[tuple[str, str]]:
        return [("tablespaces: %s" % name, path) for name, path in self.tablespaces.items()]

    @property
    def where(self) -> str:
        """For messages."""
        return self.directory if self.host is None else "%s on %s" % (self.directory, self.host)

    def ssh(self, *options: str) -> list[str]:
        """The SSH command to the destination's host. What the user gave comes first, and so wins."""
        if self.host is None:
            return []
        argv = ["ssh"]
        for option in (*self.ssh_options, "BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=30", *options):
            argv += ["-o", option]
        if self.port is not None:
            argv += ["-p", str(self.port)]
        return [*argv, "%s@%s" % (self.user, self.host)]


class Connection:
    """One SSH connection that everything shares: Barman alone makes twenty, each with its own handshake.

    Use it as a context. Its socket is in a directory that only Barman's user can enter.
    """

    def __init__(self, destination: Destination, runner: Runner, user: str, cpu_file: str = "/proc/cpuinfo") -> None:
        self._destination = destination
        self._run = runner
        self._user = user
        self._cpu_file = cpu_file
        self._directory = ""
        self._stack = contextlib.ExitStack()
        self._ciphers: tuple[str, ...] = ()

    def __enter__(self) -> Connection:
        if self._destination.host is not None:
            self._directory = self._stack.enter_context(temporary_directory("pgdr-ssh-", self._user, "/tmp"))
            self._ciphers = self._fast_ciphers()
        return self

    def __exit__(self, *unused: object) -> None:
        if self._directory:
            try:
                # Where there is no connection any more, it says so, and nothing is to be done.
                self._run(
                    Command([*self._destination.ssh(self._path)[:-1], "-O", "exit", self._target], user=self._user)
                )
            finally:
                self._stack.close()

    @property
    def _path(self) -> str:
        return "ControlPath=%s/%%C" % self._directory

    @property
    def _target(self) -> str:
        return self._destination.ssh()[-1]

    def options(self) -> tuple[str, ...]:
        """For our own commands: the first one connects, and stays."""
        if not self._directory:
            return ()
        return (*self._ciphers, self._path, "ControlMaster=auto", "ControlPersist=600")

    def barman_options(self, jobs: int) -> tuple[str, ...]:
        """For Barman's commands, which use the connection that is there. Several jobs encrypt on several CPUs."""
        if not self._directory:
            return ()
        return (*self._ciphers, self._path if jobs == 1 else "ControlPath=none", "ControlMaster=no")

    def _fast_ciphers(self) -> tuple[str, ...]:
        """SSH's own list of ciphers, AES-GCM first where the CPU has instructions for it: it is twice as fast."""
        if not _WITH_AES.search(read_text(self._cpu_file) or ""):
            return ()
        completed = self._run(Command([*self._destination.ssh()[:-1], "-G", self._target], user=self._user))
        found = re.search(r"^ciphers (\S+)$", completed.stdout, re.MULTILINE)
        given = any(option.lower().startswith("ciphers") for option in self._destination.ssh_options)
        if not completed.ok or found is None or given:
            return ()
        ciphers = found.group(1).split(",")
        fast = [one for one in ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com") if one in ciphers]
        return ("Ciphers=%s" % ",".join([*fast, *(one for one in ciphers if one not in fast)]),) if fast else ()


class Site:
    """The destination, as something that can be asked and changed.

    user: Barman's operating system user. ssh_options: of the connection that is shared.
    """

    def __init__(self, destination: Destination, runner: Runner, user: str, ssh_options: tuple[str, ...] = ()) -> None:
        self.destination = destination
        self._run = runner
        self._user = user
        self._ssh = destination.ssh(*ssh_options)

    def script(self, text: str, variables: Mapping[str, str], timeout: float = 120) -> Completed:
        """Run a shell script there. Raises DestinationError where the host can't be reached, with the reason."""
        head = "set -u\n" + "".join("%s=%s\n" % (name, shlex.quote(value)) for name, value in variables.items())
        argv = [*self._ssh, "sh -s"] if self.destination.host is not None else ["sh", "-s"]
        try:
            completed = self._run(Command(argv, user=self._user, input=head + text, timeout=timeout))
        except CommandTimeout as exc:
            raise DestinationError("%s does not answer: %s" % (self.destination.host or "this host", exc)) from None
        if self.destination.host is not None and completed.rc == 255:
            raise DestinationError(self._ssh_reason(completed))
        return completed

    def expect(self, text: str, variables: Mapping[str, str], what: str, timeout: float = 120) -> Completed:
        """The same, but a failing script raises DestinationError too."""
        completed = self.script("set -e\n" + text, variables, timeout)
        if not completed.ok:
            raise DestinationError("%s failed in %s: %s" % (what, self.destination.where, completed.text))
        return completed

    def _ssh_reason(self, completed: Completed) -> str:
        there = self.destination
        facts = {"barman": self._user, "user": there.user, "port": there.port or 22}
        for sign, reason in _SSH_REASONS:
            if sign.lower() in completed.stderr.lower():
                return (
                    "the host to recover to, '%s', can't be reached as '%s' from the backup server: %s (ssh said: %s)"
                    % (
                        there.host,
                        there.user,
                        reason % facts,
                        _last_line(completed.stderr),
                    )
                )
        return "the host to recover to, '%s', can't be reached as '%s' from the backup server; ssh said: %s" % (
            there.host,
            there.user,
            completed.text or "nothing",
        )

    def inspect(self, major_version: int = 0, wal_directory: str | None = None) -> State:
        """Look at the destination, without changing it. wal_directory: where pg_wal is to be, if that is not where it is now."""
        there = self.destination
        names = {"t%d" % count: name for count, name in enumerate(sorted(there.tablespaces))}
        looks = "".join("look %s %s\n" % (key, shlex.quote(there.tablespaces[name])) for key, name in names.items())
        variables = {
            "dest": there.directory,
            "marker": MARKER,
            "control": str(control_file.LENGTH),
            "major": str(major_version),
            "wal": wal_directory or "",
        }
        completed = self.script(_INSPECT + looks + directories_in_use.SCRIPT, variables)
        said = reported_lines(completed)
        if "user" not in said:
            raise DestinationError(
                "the destination %s can't be inspected: %s"
                % (there.where, completed.text or "the shell there said nothing; does its user have a login shell?")
            )
        place = _place("dest", there.directory, said)
        tablespaces = {name: _place(key, there.tablespaces[name], said) for key, name in names.items()}
        return State(
            place=place,
            tablespaces=tablespaces,
            leftovers=_leftovers(said, [place, *tablespaces.values()]),
            user=said["user"][-1],
            rsync="rsync" in said,
            programs=tuple(said.get("program", ())),
            running=int(said["running"][-1]) if "running" in said else None,
            version=_one(said, "version"),
            signal=_one(said, "signal"),
            marker=_json(_one(said, "marker")),
            control=control_file.parse(bytes.fromhex(_one(said, "control") or "")),
            wal=_place("wal", said["wal"][-1], said) if "wal" in said else None,
            used=directories_in_use.parse(said.get("used", [])),
        )

    def mounted(self, points: list[str]) -> dict[str, str]:
        """The options of what is mounted at these mount points, where something is, as Barman asks for them."""
        asks = "".join("ask %d %s\n" % (number, shlex.quote(point)) for number, point in enumerate(points))
        completed = self.script(_MOUNTED + asks, {})
        said = reported_lines(completed)
        if "findmnt" not in said:
            raise DestinationError(
                "the program findmnt, which Barman asks there, is not installed in %s" % self.destination.where
            )
        found = {point: _one(said, str(number)) for number, point in enumerate(points)}
        return {point: options for point, options in found.items() if options is not None}

    def clear_runtime(self) -> None:
        """Take away what a data directory has of the server that ran in it, and a copy of its files leaves out."""
        self.expect(
            'rm -f -- "$dest/postmaster.pid"\nfind "$dest/pg_replslot" -mindepth 1 -delete\n',
            {"dest": self.destination.directory},
            "removing the lock file and the replication slots of the server that ran when the snapshot was taken",
        )

    def close_tablespaces(self) -> None:
        """Give the tablespaces' directories the mode that CREATE TABLESPACE gives them; Barman leaves what the umask leaves.

        With initdb --allow-group-access it is 0750, as that of the data directory. A directory of somebody else was there before, and keeps its mode.
        """
        locations = list(self.destination.tablespaces.values())
        if locations:
            names = ["place%d" % number for number in range(len(locations))]
            lines = ['mode=0700; if [ "$(stat -c %a -- "$dest")" = 750 ]; then mode=0750; fi\n']
            lines += ['if [ -O "$%s" ]; then chmod "$mode" -- "$%s"; fi\n' % (name, name) for name in names]
            self.expect(
                "".join(lines),
                {"dest": self.destination.directory, **dict(zip(names, locations))},
                "closing the directories of the tablespaces to other users",
            )

    def no_standby(self) -> None:
        """Have what was laid down be a server of its own, also where the backup was taken from a standby."""
        self.expect(
            _NO_STANDBY,
            {"dest": self.destination.directory},
            "taking away what makes a standby of a backup of one",
        )

    def move_aside(self, places: list[Place], stamp: str) -> list[dict[str, str]]:
        """Rename what is there, all of it or nothing. Raises DestinationError, which says what is where."""
        moved = [{"from": place.path, "to": aside(place.path, stamp)} for place in places]
        cases = "".join(
            "%d) from=%s to=%s ;;\n" % (number, shlex.quote(pair["from"]), shlex.quote(pair["to"]))
            for number, pair in enumerate(moved, 1)
        )
        script = "pair() {\ncase $1 in\n%sesac\n}\n%s" % (cases, _MOVE_ASIDE)
        names = ", ".join(pair["to"] for pair in moved)
        try:
            completed = self.script(script, {"count": str(len(moved)), "old": aside(self.destination.directory, stamp)})
        except DestinationError as exc:
            raise DestinationError(
                "moving the old directories aside was interrupted, and they may be under their new names, which are: "
                "%s. %s" % (names, exc)
            ) from None
        said = reported_lines(completed)
        if not completed.ok or "moved" not in said:
            text = "moving the old directory aside failed in %s: %s" % (self.destination.where, completed.text)
            if "back" in said:
                text += ". It was undone: back in their places are %s" % ", ".join(said["back"])
            if "stuck" in said:
                text += ". These could not be moved back, move them by hand: %s" % ", ".join(said["stuck"])
            raise DestinationError(text)
        return moved

    def size(self) -> int:
        """How many bytes there are at the destination now."""
        paths = " ".join(
            shlex.quote(path) for path in [self.destination.directory, *self.destination.tablespaces.values()]
        )
        completed = self.script("du -sk %s 2>/dev/null | awk '{ sum += $1 } END { print sum }'\n" % paths, {})
        text = completed.stdout.strip()
        return int(text) * 1024 if text.isdigit() else 0

    def laid_down(self, wal_directory: str) -> LaidDown:
        completed = self.expect(
            _VERIFY,
            {"dest": self.destination.directory, "wal": posixpath.join(self.destination.directory, wal_directory)},
            "looking at what was recovered",
            timeout=600,
        )
        said = reported_lines(completed)
        files = [line.rpartition(" ") for line in said.get("wal", [])]
        return LaidDown(
            version=_one(said, "version"),
            backup_label="backup_label" in said,
            pg_control="pg_control" in said,
            signal=_one(said, "signal"),
            settings=dict(_setting(line) for line in said.get("setting", [])),
            wal={name: int(size) for name, dummy, size in files},
            missing_files=tuple(said.get("missing", [])),
        )

    def write_marker(self, content: Mapping[str, Any]) -> None:
        self.expect(
            'umask 077\nprintf "%s\\n" "$content" > "$dest/$marker.new"\nmv -- "$dest/$marker.new" "$dest/$marker"\n',
            {"dest": self.destination.directory, "marker": MARKER, "content": json.dumps(content, sort_keys=True)},
            "writing %s" % MARKER,
        )

    def disable(self) -> bool:
        """Make an incomplete data directory one that no server starts from; whether that was possible."""
        try:
            return self.script('rm -f -- "$dest/global/pg_control"\n', {"dest": self.destination.directory}).ok
        except HostError:
            return False

    def copy_in(self, sources: list[str], directory: str) -> Completed:
        """Copy files into a directory there; each appears under its name when it is whole."""
        there = self.destination
        target = posixpath.join(there.directory, directory) + "/"
        argv = ["rsync", "--times", "--chmod=F600"]
        if there.host is not None:
            argv += ["-e", shlex.join(self._ssh)]
            target = ":" + target
        return self._run(Command([*argv, *sources, target], user=self._user, die_with_parent=True))


def path_problems(option: str, path: str) -> list[str]:
    """What is wrong with a path that Barman is given."""
    if _PATH.match(path) and normal_path(path) != "/":
        return []
    return [
        "%s: '%s' can't be used: Barman needs an absolute path of letters, digits and . _ + = @ , / -, "
        "without spaces" % (option, path)
    ]


def aside(path: str, stamp: str) -> str:
    """The name that a directory is moved aside to."""
    return "%s.%s" % (path.rstrip("/"), stamp)


def reported_lines(completed: Completed) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for line in completed.stdout.splitlines():
        if line.startswith("pgdr:"):
            key, dummy, value = line[len("pgdr:") :].partition("=")
            said.setdefault(key, []).append(value)
    return said


def _one(said: Mapping[str, list[str]], key: str) -> str | None:
    return said[key][-1].strip() if key in said else None


def _json(text: str | None) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _setting(line: str) -> tuple[str, str]:
    name, dummy, value = line.partition("=")
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == "'":
        value = value[1:-1].replace("''", "'")
    return name.strip(), value


def _place(key: str, path: str, said: Mapping[str, list[str]]) -> Place:
    free = _one(said, key + ".free")
    return Place(
        path=path,
        kind=_one(said, key + ".kind") or "",
        entries=_one(said, key + ".entries") or "",
        writable=key + ".writable" in said,
        movable=key + ".movable" in said,
        link=key + ".link" in said,
        mount=key + ".mount" in said,
        ancestor=_one(said, key + ".ancestor") or "",
        free=int(free) * 1024 if free and free.isdigit() else None,
        device=_one(said, key + ".device") or "",
        own=key + ".own" in said,
        others=key + ".others" in said,
        stuck=_one(said, key + ".stuck") or "",
        mounts=tuple((_one(said, key + ".mounts") or "").split()),
        real=_one(said, key + ".real") or path,
    )


def _leftovers(said: Mapping[str, list[str]], places: Sequence[Place]) -> tuple[Place, ...]:
    """The locations of the old server's tablespaces that belong to none of these places, and have files of that server."""
    known = [one.real for one in places if one.real]
    found: dict[str, Place] = {}
    for key in sorted(key for key in said if re.fullmatch(r"l[0-9]+\.path", key)):
        place = _place(key.partition(".")[0], said[key][-1], said)
        if place.own and not any(place.real == one or place.real.startswith(one + "/") for one in known):
            found[place.real] = place
    return tuple(found.values())


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"
