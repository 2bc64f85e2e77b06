# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host of a recovery's destination: scripts that run there, and the changes that a recovery makes.

This module util is private to the collection. The same small shell scripts run on this host and on another one, given on standard input:
by Barman's user here, or by the remote user there.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .._host.process import Command, CommandTimeout, Completed, HostError, Runner
from .._host.ssh_failure import SshFailure, last_line, ssh_failure
from .destination import MARKER, Destination, DestinationError, aside
from .destination_state import DestinationDirectory

_REMEDIES = {
    SshFailure.HOST_KEY_CHANGED: (
        "its host key is not the one in known_hosts of '%(barman)s'. If the host was set up anew, replace the key there"
    ),
    SshFailure.HOST_KEY_UNKNOWN: (
        "its host key is not in known_hosts of '%(barman)s' on the backup server. The playbook pgdr.barman.recover "
        "adds it for the time of its run, "
        "and removes it when the run ends: run that playbook. If you call the module pgdr.barman.recover yourself, "
        "add the key there first"
    ),
    SshFailure.DENIED: (
        "it does not accept the SSH key of '%(barman)s'. Add that user's public key to authorized_keys of '%(user)s' "
        "there"
    ),
    SshFailure.REFUSED: (
        "nothing listens on port %(port)s there. Is sshd running, is barman_ssh_port of that host right (option "
        "remote_port of the module)?"
    ),
    SshFailure.TIMEOUT: "it does not answer on port %(port)s. Check that the host runs, and that no firewall blocks the port",
    SshFailure.NO_ROUTE: "there is no network route to it",
    SshFailure.UNKNOWN_NAME: (
        "the name can't be resolved on the backup server. Write an address as barman_address of that host (option "
        "remote_host of the module)"
    ),
}

# A standby's backup is a standby: its signal wins over that of a recovery, and it would go on recovering for ever.
_NO_STANDBY = r"""
if [ -f "$dest/standby.signal" ]; then
    rm -f -- "$dest/standby.signal"
    if [ -f "$dest/postgresql.auto.conf" ]; then
        sed -i -E '/^[[:space:]]*(primary_conninfo|primary_slot_name|recovery_min_apply_delay)[[:space:]]*=/d' "$dest/postgresql.auto.conf"
    fi
fi
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


class DestinationHost:
    """The destination, where scripts run that observe and change it.

    user: Barman's operating system user. ssh_options: of the connection that is shared.
    """

    def __init__(self, destination: Destination, runner: Runner, user: str, ssh_options: tuple[str, ...] = ()) -> None:
        self.destination = destination
        self._run = runner
        self._user = user
        self._ssh = destination.ssh(*ssh_options)

    def script(self, text: str, variables: Mapping[str, str], timeout: float | None = 120) -> Completed:
        """Run a shell script there. Raises DestinationError, with the reason, if the host can't be reached."""
        head = "set -u\n" + "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
        argv = [*self._ssh, "sh -s"] if self.destination.host is not None else ["sh", "-s"]
        try:
            completed = self._run(Command(argv, user=self._user, input=head + text, timeout=timeout))
        except CommandTimeout as exc:
            raise DestinationError(f"{self.destination.host or 'this host'} does not answer: {exc}") from None
        if self.destination.host is not None and completed.rc == 255:
            raise DestinationError(self._unreachable(completed))
        return completed

    def _unreachable(self, completed: Completed) -> str:
        destination = self.destination
        remedy = _REMEDIES.get(ssh_failure(completed.stderr))
        text = f"the host to recover to, '{destination.host}', can't be reached as '{destination.user}' from the backup server"
        if remedy is None:
            return f"{text}; ssh reported: {completed.text or 'nothing'}"
        facts = {"barman": self._user, "user": destination.user, "port": destination.port or 22}
        return f"{text}: {remedy % facts} (ssh reported: {last_line(completed.stderr)})"

    def expect(self, text: str, variables: Mapping[str, str], what: str, timeout: float = 120) -> Completed:
        """The same, but a failing script raises DestinationError too."""
        completed = self.script("set -e\n" + text, variables, timeout)
        if not completed.ok:
            raise DestinationError(f"{what} failed in {self.destination.where}: {completed.text}")
        return completed

    def remove_runtime_files(self) -> None:
        """Remove what a data directory has of the server that ran in it, and a backup of its files leaves out."""
        self.expect(
            'rm -f -- "$dest/postmaster.pid"\nfind "$dest/pg_replslot" -mindepth 1 -delete\n',
            {"dest": self.destination.directory},
            "removing the lock file and the replication slots of the server that ran when the snapshot was taken",
        )

    def close_tablespaces(self) -> None:
        """Give the tablespaces' directories the mode that CREATE TABLESPACE gives them; Barman's restore leaves that of the umask.

        With initdb --allow-group-access it is 0750, as that of the data directory. A directory of somebody else was there before, and keeps its mode.
        """
        locations = list(self.destination.tablespaces.values())
        if locations:
            names = [f"place{number}" for number in range(len(locations))]
            lines = ['mode=0700; if [ "$(stat -c %a -- "$dest")" = 750 ]; then mode=0750; fi\n']
            lines += [f'if [ -O "${name}" ]; then chmod "$mode" -- "${name}"; fi\n' for name in names]
            self.expect(
                "".join(lines),
                {"dest": self.destination.directory, **dict(zip(names, locations))},
                "closing the directories of the tablespaces to other users",
            )

    def create_directories(self) -> None:
        """Create pg_wal and pg_tblspc if they are missing, with the mode of the data directory.

        Barman 3.13 leaves both out if it restores increments on its own host (_move_to_destination in recovery_executor.py).
        """
        self.expect(
            'mode=$(stat -c %a -- "$dest")\n'
            'for name in pg_wal pg_tblspc; do [ -e "$dest/$name" ] || mkdir -m "$mode" -- "$dest/$name" || exit 1; done\n',
            {"dest": self.destination.directory},
            "creating the directories pg_wal and pg_tblspc",
        )

    def remove_standby(self) -> None:
        """Make the restored cluster a server of its own if the backup was taken from a standby."""
        self.expect(
            _NO_STANDBY,
            {"dest": self.destination.directory},
            "removing the signal and the settings of a standby",
        )

    def move_aside(self, directories: Sequence[DestinationDirectory], stamp: str) -> list[dict[str, str]]:
        """Rename the directories, all or none; from and to of each. Raises DestinationError, with the place of each."""
        moved = [{"from": place.path, "to": aside(place.path, stamp)} for place in directories]
        cases = "".join(
            f"{number}) from={shlex.quote(pair['from'])} to={shlex.quote(pair['to'])} ;;\n"
            for number, pair in enumerate(moved, 1)
        )
        script = f"pair() {{\ncase $1 in\n{cases}esac\n}}\n{_MOVE_ASIDE}"
        names = ", ".join(pair["to"] for pair in moved)
        try:
            completed = self.script(script, {"count": str(len(moved)), "old": aside(self.destination.directory, stamp)})
        except DestinationError as exc:
            raise DestinationError(
                "moving the old directories aside was interrupted, and they may be under their new names, which are: "
                f"{names}. {exc}"
            ) from None
        lines = reported_lines(completed)
        if not completed.ok or "moved" not in lines:
            text = f"moving the old directory aside failed in {self.destination.where}: {completed.text}"
            if "back" in lines:
                text += f". It was undone: back in their places are {', '.join(lines['back'])}"
            if "stuck" in lines:
                text += f". These could not be moved back, move them manually: {', '.join(lines['stuck'])}"
            raise DestinationError(text)
        return moved

    def size(self) -> int:
        """The bytes that are at the destination now."""
        paths = " ".join(
            shlex.quote(path) for path in [self.destination.directory, *self.destination.tablespaces.values()]
        )
        completed = self.script(f"du -sk {paths} 2>/dev/null | awk '{{ sum += $1 }} END {{ print sum }}'\n", {})
        text = completed.stdout.strip()
        return int(text) * 1024 if text.isdigit() else 0

    def write_marker(self, content: Mapping[str, Any]) -> None:
        self.expect(
            'umask 077\nprintf "%s\\n" "$content" > "$dest/$marker.new"\nmv -- "$dest/$marker.new" "$dest/$marker"\n',
            {"dest": self.destination.directory, "marker": MARKER, "content": json.dumps(content, sort_keys=True)},
            f"writing {MARKER}",
        )

    def prevent_start(self) -> bool:
        """Make an incomplete data directory one that no server starts from; whether that was possible."""
        try:
            return self.script('rm -f -- "$dest/global/pg_control"\n', {"dest": self.destination.directory}).ok
        except HostError:
            return False

    def copy_in(self, sources: Sequence[str], directory: str) -> Completed:
        """Copy files into a directory there; each appears under its name when it is whole."""
        there = self.destination
        target = posixpath.join(there.directory, directory) + "/"
        argv = ["rsync", "--times", "--chmod=F600"]
        if there.host is not None:
            argv += ["-e", shlex.join(self._ssh)]
            target = ":" + target
        return self._run(Command([*argv, *sources, target], user=self._user, die_with_parent=True))


def reported_lines(completed: Completed) -> dict[str, list[str]]:
    """The values that a script reported, by key."""
    lines: dict[str, list[str]] = {}
    for line in completed.stdout.splitlines():
        if line.startswith("pgdr:"):
            key, _equals, value = line[len("pgdr:") :].partition("=")
            lines.setdefault(key, []).append(value)
    return lines
