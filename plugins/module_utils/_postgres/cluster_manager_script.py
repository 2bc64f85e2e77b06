# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes and systemd units of a host that may be cluster managers, as a shell script reports them.

This module util is private to the collection. The script changes nothing, and runs on this host or over SSH. Users other than root find their
own processes only. A manager that owns their data directory is one of these.
"""

from __future__ import annotations

import os
import posixpath
import shlex
from collections.abc import Mapping, Sequence

from .._host.process import Command, Runner
from .cluster_manager import (
    ObservedDirectory,
    ObservedProcess,
    configured_directories,
    configured_scope,
    manager_kind,
)

#: The variable processes, which is /proc, is the caller's. Of a configuration file only the lines about the directory and the name are reported,
#: because it may have passwords.
SCRIPT = r"""
manager_report() { printf 'pgdr:manager_%s=%s\n' "$1" "$2"; }
manager_tab=$(printf '\t')
manager_root=$(stat -L -c %d:%i / 2>/dev/null)
manager_identity() { stat -L -c %d:%i -- "$1" 2>/dev/null; }
# The lines of a configuration file, and the directories that they name. $1: id. $2: the process's root. $3: its file.
manager_file() {
    [ -f "$2$3" ] && [ -r "$2$3" ] || return 0
    manager_report file "$1$manager_tab$3"
    grep -aE 'data_dir|scope' "$2$3" 2>/dev/null | head -n 40 | while IFS= read -r line; do
        manager_report line "$1$manager_tab$line"
        printf '%s\n' "$line" | grep -oE '/[^][:space:]"'\'',#}[]*' | head -n 3 | while IFS= read -r path; do
            manager_directory "$1" "$2" "$path"
        done
    done
}
manager_directory() {
    manager_report path "$1$manager_tab$3$manager_tab$(manager_identity "$2$3")$manager_tab$(readlink -m -- "$3")"
}
# Every argument that is a file may be the configuration. $1: id. $2: root. $3: the working directory. $4: arguments, separated by tabs.
manager_arguments() {
    manager_ifs=$IFS IFS=$manager_tab
    set -f
    set -- "$1" "$2" "$3" $4
    set +f
    IFS=$manager_ifs
    manager_id=$1 manager_in=$2 manager_cwd=$3 manager_found=
    shift 3
    for argument do
        file=${argument#--config-file=}
        file=${file#-f}
        case $file in
            *.yml|*.yaml|*.conf) ;;
            *) continue ;;
        esac
        case $file in /*) ;; *) file=$manager_cwd/$file ;; esac
        manager_found=yes
        manager_file "$manager_id" "$manager_in" "$file"
    done
    [ -n "$manager_found" ]
}
manager_user=$(id -u)
for manager_proc in "$processes"/[0-9]*; do
    { read -r manager_comm < "$manager_proc/comm"; } 2>/dev/null || continue
    manager_pid=${manager_proc##*/}
    case $manager_comm in
        *patroni*|*python*|*repmgrd*) ;;
        *postgres*|*postmaster*)
            # Of PostgreSQL's processes only the postmaster has arguments.
            { read -r manager_main < "$manager_proc/cwd/postmaster.pid"; } 2>/dev/null || continue
            [ "$manager_main" = "$manager_pid" ] || continue
            ;;
        *) continue ;;
    esac
    [ "$manager_user" = 0 ] || [ -O "$manager_proc" ] || continue
    manager_argv=$(tr '\0\n' '\t ' < "$manager_proc/cmdline" 2>/dev/null) || continue
    case $manager_argv in
        *patroni*|*repmgrd*|*postgres*|*postmaster*) ;;
        *) continue ;;
    esac
    manager_unit=$(sed -n 's,^[0-9]*:[^:]*:.*/\([^/]*\.service\)\(/.*\)\{0,1\}$,\1,p' "$manager_proc/cgroup" 2>/dev/null | head -n 1)
    manager_cwd=$(readlink "$manager_proc/cwd" 2>/dev/null)
    manager_foreign=
    manager_its=$(manager_identity "$manager_proc/root/")
    [ -n "$manager_its" ] && [ "$manager_its" != "$manager_root" ] && manager_foreign=yes
    manager_report process "$manager_pid$manager_tab$manager_unit$manager_tab$manager_foreign$manager_tab$manager_argv"
    [ -n "$manager_cwd" ] && manager_report cwd "$manager_pid$manager_tab$manager_cwd$manager_tab$(manager_identity "$manager_proc/cwd/")"
    case $manager_argv in *patroni*|*repmgrd*) ;; *) continue ;; esac
    if ! manager_arguments "$manager_pid" "$manager_proc/root" "$manager_cwd" "$manager_argv"; then
        case $manager_argv in *repmgrd*) manager_file "$manager_pid" "$manager_proc/root" /etc/repmgr.conf ;; esac
    fi
    tr '\0' '\n' < "$manager_proc/environ" 2>/dev/null | grep -a '^PATRONI_POSTGRESQL_DATA_DIR=' | while IFS= read -r line; do
        manager_report line "$manager_pid$manager_tab$line"
        manager_directory "$manager_pid" "$manager_proc/root" "${line#*=}"
    done
done
# A unit that is being started or restarted has no process.
if command -v systemctl >/dev/null 2>&1; then
    for manager_unit in $(systemctl list-units --plain --no-legend --all 'patroni*.service' 'repmgr*.service' 2>/dev/null | awk '{ print $1 }'); do
        case $(systemctl show --property=ActiveState --value -- "$manager_unit" 2>/dev/null) in
            active|activating|reloading) ;;
            *) continue ;;
        esac
        manager_argv=$(systemctl show --property=ExecStart --value -- "$manager_unit" 2>/dev/null |
            sed -n 's/.*argv\[\]=\(.*\) ; ignore_errors=.*/\1/p' | head -n 1 | tr ' ' '\t')
        manager_report process "0$manager_tab$manager_unit$manager_tab$manager_tab$manager_argv"
        manager_arguments "0:$manager_unit" "" / "$manager_argv" || :
    done
fi
"""


def observed_processes(lines: Mapping[str, Sequence[str]]) -> tuple[ObservedProcess, ...]:
    """What the script reported. lines: the values by key."""
    directories = dict(_directory_of(line) for line in lines.get("manager_cwd", ()))
    files = dict(_pair(line) for line in lines.get("manager_file", ()))
    return tuple(
        _process(line, directories, files, lines.get("manager_line", ()), lines.get("manager_path", ()))
        for line in lines.get("manager_process", ())
    )


def observe_processes(runner: Runner, proc: str = "/proc") -> tuple[ObservedProcess, ...]:
    """The processes of this host. Raises HostError if no shell can be started."""
    head = f"processes={shlex.quote(proc)}\n"
    completed = runner(Command(["sh", "-s"], input=head + SCRIPT, timeout=120))
    lines: dict[str, list[str]] = {}
    for line in completed.stdout.splitlines():
        if line.startswith("pgdr:"):
            key, _equals, value = line[len("pgdr:") :].partition("=")
            lines.setdefault(key, []).append(value)
    return observed_processes(lines)


def observed_directory(path: str) -> ObservedDirectory:
    """A directory of this host, links followed."""
    try:
        found = os.stat(path)
    except OSError:
        return ObservedDirectory(os.path.realpath(path))
    return ObservedDirectory(os.path.realpath(path), f"{found.st_dev}:{found.st_ino}")


def _pair(line: str) -> tuple[str, str]:
    key, _tab, value = line.partition("\t")
    return key, value


def _directory_of(line: str) -> tuple[str, ObservedDirectory]:
    key, path, identity, *_more = [*line.split("\t"), "", ""]
    return key, ObservedDirectory(path, identity)


def _process(
    line: str,
    directories: Mapping[str, ObservedDirectory],
    files: Mapping[str, str],
    configuration: Sequence[str],
    paths: Sequence[str],
) -> ObservedProcess:
    pid, unit, foreign, *arguments = line.split("\t")
    key = f"0:{unit}" if pid == "0" else pid
    own = [text for its, text in map(_pair, configuration) if its == key]
    plain = ObservedProcess(
        pid=int(pid), arguments=tuple(one for one in arguments if one), unit=unit or None, foreign=bool(foreign)
    )
    kind = manager_kind(plain)
    named = [] if kind is None else configured_directories(kind, own)
    working = directories.get(pid, ObservedDirectory("/")).path
    named_paths = {
        fields[1]: fields for fields in (one.split("\t") for one in paths) if fields[0] == key and len(fields) == 4
    }
    return ObservedProcess(
        pid=plain.pid,
        arguments=plain.arguments,
        unit=plain.unit,
        directory=None if kind is not None else directories.get(pid),
        configuration=files.get(key),
        configured=tuple(
            ObservedDirectory(named_paths[path][3] or path, named_paths[path][2])
            if path in named_paths
            else ObservedDirectory(posixpath.join(working, path))
            for path in named
        ),
        scope=configured_scope(own),
        foreign=plain.foreign,
    )
