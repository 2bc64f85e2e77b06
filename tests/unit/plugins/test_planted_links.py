# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every place where root writes in a directory of a service user, with a link that this user planted there.

Each place is shown twice: with real links as root, and by what the interpreter reports of each write (an audit hook), which
needs no root: below the user's home nothing is written by path while the process is root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import (
    authorized_keys,
    known_hosts,
    lock,
    owned_directory,
    progress,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import password_file, private_server, wal
from ansible_collections.pgdr.barman.plugins.module_utils._recover import staging_area
from ansible_collections.pgdr.barman.plugins.module_utils._server import cloud_credentials, hook_files, staging
from ansible_collections.pgdr.barman.plugins.module_utils._server.entries import (
    MARK,
    ConfigurationPlan,
    CurrentConfiguration,
    FileChange,
)
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver import files, process

USER = "nobody"
ROOT = os.geteuid() == 0


@dataclass
class Home:
    """The home of a service user, and beside it what belongs to root."""

    path: Path
    victim: Path
    outside: Path
    writes: list[str] = field(default_factory=list)

    def snapshot(self) -> list[tuple[str, int, int, int, bytes]]:
        found = []
        for path in (self.victim, self.outside, *sorted(self.outside.rglob("*"))):
            status = path.lstat()
            text = path.read_bytes() if path.is_file() else b""
            found.append((str(path), status.st_uid, status.st_gid, status.st_mode, text))
        return found

    def plant(self, name: str, target: Path) -> None:
        """As the user does it: the directories above are the user's."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        self.place()

    def place(self) -> None:
        if ROOT:
            account = pwd.getpwnam(USER)
            for directory, names, files in os.walk(self.path):
                for name in (".", *names, *files):
                    os.chown(os.path.join(directory, name), account.pw_uid, account.pw_gid, follow_symlinks=False)


def barman(home: Home) -> Any:
    def text(*words: str) -> Completed:
        return Completed(list(words), 0)

    return SimpleNamespace(user=USER, config_file=None, text=text)


def receiver(home: Home) -> Any:
    return SimpleNamespace(
        barman=barman(home),
        server=SimpleNamespace(name="pg"),
        directory=str(home.path / "pg" / "streaming"),
        lock_file=str(home.path / ".pg-receive-wal.lock"),
    )


# Each place: what writes there, in the home of USER.


def passwords(home: Home) -> None:
    file = password_file.observe(USER)
    password_file.apply(file, password_file.plan(file.text, ["*:*:*:barman:secret"]))


def trusted_hosts(home: Home) -> None:
    file = known_hosts.observe(USER)
    known_hosts.apply(file, known_hosts.plan(file.text, ["198.51.100.11 ssh-ed25519 AAAA"]))


def trusted_keys(home: Home) -> None:
    file = authorized_keys.observe(USER)
    line = 'restrict,from="198.51.100.11/32" ssh-ed25519 AAAA pgdr.barman:backup:barman@backup'
    authorized_keys.apply(file, authorized_keys.with_lines(file.text, [line]))


def aws(home: Home) -> None:
    files = cloud_credentials.plan(str(home.path), {"default": {"aws_access_key_id": "x"}}, None, USER)
    cloud_credentials.apply(files, USER)


def google(home: Home) -> None:
    files = cloud_credentials.plan(str(home.path), None, {"type": "service_account"}, USER)
    cloud_credentials.apply(files, USER)


def hook_credentials(home: Home) -> None:
    desired = hook_files.DesiredHooks(
        "/hooks", USER, {}, str(home.path / ".pgdr.barman" / "credentials"), {"s3": "secret"}
    )
    hook_files.apply(hook_files.HookPlan(write_credentials={"s3": "secret"}), desired)


def hook_scripts(home: Home) -> None:
    desired = hook_files.DesiredHooks(str(home.path / "hooks"), USER, {"a": "#!/bin/sh\n"})
    hook_files.apply(hook_files.HookPlan(make_directory=True, write=desired.scripts, made=frozenset("a")), desired)


def locks(home: Home) -> None:
    with lock.exclusive(str(home.path), "pg", USER):
        pass


def operations(home: Home) -> None:
    state = progress.Progress(str(home.path), "backup", "pg", USER)
    state.update("copying")
    state.close()


def set_aside(home: Home) -> None:
    files.set_aside(receiver(home), ["000000010000000000000001.partial"])


def marker_file(home: Home) -> None:
    files.write_marker_file(receiver(home), wal.Segment(1, 0, 1))


def receiver_lock(home: Home) -> None:
    with process.holding_lock(receiver(home)):
        pass


def configuration(home: Home) -> None:
    directory = str(home.path / "barman.d")
    path = os.path.join(directory, "pg.conf")
    change = FileChange(path, None, MARK + "\n[pg]\n")
    staging.apply(
        ConfigurationPlan(changes=(change,)), CurrentConfiguration("/none", directory, None, {}, {}), USER, "now"
    )


def configuration_kept_aside(home: Home) -> None:
    directory = str(home.path / "barman.d")
    change = FileChange(os.path.join(directory, "pg.conf"), "[pg]\n", MARK + "\n[pg]\nactive = off\n", backup=True)
    staging.apply(
        ConfigurationPlan(changes=(change,)), CurrentConfiguration("/none", directory, None, {}, {}), USER, "now"
    )


def incoming(home: Home) -> None:
    staging.make_incoming_directories({"pg": str(home.path / "pg" / "incoming")}, USER)


def staging_directory(home: Home) -> None:
    with staging_area.made(staging_area.StagingArea(str(home.path / "pg"), "local", "incremental", own=True), USER):
        pass


def own_directory(home: Home) -> None:
    owned_directory.apply(owned_directory.observe(str(home.path / "log"), USER, 0o750))


def isolated_server(home: Home) -> None:
    server = private_server.PrivateServer(str(home.path), "/bin", USER, temporary=str(home.path / "t"))
    with server:
        server._launch = lambda *given: private_server.launch(["true"], *given[1:])
        server.start({})


@dataclass(frozen=True)
class Place:
    """What writes, and the names below the home at which the user may plant a link to a directory or a file."""

    write: Callable[[Home], None]
    directories: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    # What the user plants replaces nothing, or is not the user's to read: no error is needed.
    harmless: tuple[str, ...] = ()


PLACES = {
    "passwords": Place(passwords, (), (".pgpass",)),
    "trusted_hosts": Place(trusted_hosts, (".ssh",), (".ssh/known_hosts",)),
    "trusted_keys": Place(trusted_keys, (".ssh",), (".ssh/authorized_keys",)),
    "aws": Place(aws, (".aws",), (".aws/credentials",)),
    "google": Place(
        google, (".config", ".config/gcloud"), (".config/gcloud/application_default_credentials.json",)
    ),
    "hook_credentials": Place(
        hook_credentials,
        (".pgdr.barman", ".pgdr.barman/credentials"),
        (".pgdr.barman/credentials/s3",),
        (".pgdr.barman/credentials/s3",),
    ),
    "hook_scripts": Place(hook_scripts, ("hooks",), ("hooks/a",), ("hooks/a",)),
    "locks": Place(locks, (".pgdr.barman", ".pgdr.barman/locks")),
    "operations": Place(operations, (".pgdr.barman", ".pgdr.barman/operations"), (), (".pgdr.barman", ".pgdr.barman/operations")),
    "set_aside": Place(set_aside, ("pg", "pg/streaming.set-aside"), ()),
    "marker_file": Place(marker_file, ("pg", "pg/streaming"), ("pg/streaming/000000010000000000000001.partial",)),
    "receiver_lock": Place(receiver_lock, (), (".pg-receive-wal.lock",)),
    "configuration": Place(configuration, ("barman.d",), ("barman.d/pg.conf",), ("barman.d/pg.conf",)),
    "configuration_kept_aside": Place(configuration_kept_aside, ("barman.d",), ("barman.d/pg.conf.now~",), ("barman.d/pg.conf.now~",)),
    "incoming": Place(incoming, ("pg",)),
    "staging_directory": Place(staging_directory, ("pg",)),
    "own_directory": Place(own_directory, ("log",)),
    "isolated_server": Place(isolated_server, ("t",)),
}  # fmt: skip
PLANTED = [(name, link) for name, place in PLACES.items() for link in (*place.directories, *place.files)]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    # Not below a directory that only root enters, as pytest's own are.
    with tempfile.TemporaryDirectory(prefix="planted-", dir="/tmp") as top:
        os.chmod(top, 0o755)
        made = Home(Path(top) / "home", Path(top) / "victim", Path(top) / "outside")
        made.path.mkdir()
        (made.path / "t").mkdir()
        (made.path / "pg" / "streaming").mkdir(parents=True)
        (made.path / "pg" / "streaming" / "000000010000000000000001.partial").write_bytes(b"")
        (made.path / ".ssh").mkdir()
        (made.path / ".ssh" / "authorized_keys").write_text("")
        (made.path / "barman.d").mkdir()
        (made.path / "barman.d" / "pg.conf").write_text("[pg]\n")
        made.victim.write_text("precious\n")
        made.victim.chmod(0o644)
        made.outside.mkdir()
        (made.outside / "credentials").write_text("precious\n")
        account = pwd.getpwnam(USER)
        uid, gid = (account.pw_uid, account.pw_gid) if ROOT else (os.getuid(), os.getgid())
        entry = pwd.struct_passwd((USER, "x", uid, gid, "", str(made.path), "/bin/sh"))
        real = pwd.getpwnam
        monkeypatch.setattr(pwd, "getpwnam", lambda name: entry if name == USER else real(name))
        made.place()
        yield made


@pytest.mark.skipif(not ROOT, reason="needs root; test_nothing_is_written_by_path_as_root shows the same without")
@pytest.mark.parametrize(("name", "link"), PLANTED)
def test_what_a_planted_link_leads_to_is_not_touched(home: Home, name: str, link: str) -> None:
    place = PLACES[name]
    target = home.outside if link in place.directories else home.victim
    home.plant(link, target)
    before = home.snapshot()
    message: str | None = None
    try:
        place.write(home)
    except HostError as exc:
        message = str(exc)
    assert home.snapshot() == before
    if message is None:
        assert link in place.harmless
    else:
        assert f"{home.path / link} is a symbolic link to {target}" in message


@pytest.mark.skipif(not ROOT, reason="needs root; test_nothing_is_written_by_path_as_root shows the same without")
@pytest.mark.parametrize("name", ["postgresql.conf", "log"])
def test_a_link_in_the_directory_of_a_server_under_test_leads_nowhere(home: Home, name: str) -> None:
    before = home.snapshot()
    server = private_server.PrivateServer(str(home.path), "/bin", USER, temporary=str(home.path / "t"))
    with server:
        (Path(server.directory) / name).symlink_to(home.victim)
        with pytest.raises(HostError, match=f"{name} is a symbolic link to {home.victim}"):
            server.start({})
    assert home.snapshot() == before


@pytest.mark.skipif(not ROOT, reason="only root makes a hard link to what it does not own")
@pytest.mark.parametrize("name", ["passwords", "aws", "locks"])
def test_what_a_planted_hard_link_leads_to_is_not_touched(home: Home, name: str) -> None:
    links = {"passwords": ".pgpass", "aws": ".aws/credentials"}
    if name == "locks":
        locks(home)
        link = next((home.path / ".pgdr.barman" / "locks").iterdir())
        link.unlink()
    else:
        link = home.path / links[name]
    link.parent.mkdir(exist_ok=True)
    home.place()
    os.link(home.victim, link)
    before = home.snapshot()
    with pytest.raises(HostError, match="hard link"):
        PLACES[name].write(home)
    assert home.snapshot() == before


@pytest.mark.parametrize("name", ["passwords", "aws"])
def test_a_fifo_is_refused_and_not_waited_for(home: Home, name: str) -> None:
    path = home.path / {"passwords": ".pgpass", "aws": ".aws/credentials"}[name]
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    home.place()
    with pytest.raises(HostError, match=f"{path} is not a regular file"):
        PLACES[name].write(home)


# What writes, by the events of Python's audit hooks: the arguments that are paths.
_EVENTS = {
    "os.mkdir": (0,),
    "os.chown": (0,),
    "os.chmod": (0,),
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_watching: list[tuple[str, Callable[[], int], list[str]]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    below, euid, writes = _watching[-1]
    if event == "open":
        flags = arguments[2] or 0
        paths = [arguments[0]] if flags & _WRITING else []
    else:
        paths = [arguments[number] for number in _EVENTS.get(event, ())]
    # With dir_fd the path is a name, and with an open file it is a number.
    for path in paths:
        if isinstance(path, str) and path.startswith(below) and euid() == 0:
            writes.append(f"{event} {path}")


sys.addaudithook(_hook)


@pytest.mark.parametrize("name", list(PLACES))
def test_nothing_is_written_by_path_as_root(home: Home, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = SimpleNamespace(user=0)
    me = pwd.getpwnam(USER).pw_uid
    if not ROOT:
        # Root that is made up: it becomes the user, and gives what is made to the user that runs this.
        monkeypatch.setattr(os, "geteuid", lambda: state.user)
        monkeypatch.setattr(os, "seteuid", lambda user: setattr(state, "user", user))
        monkeypatch.setattr(os, "setegid", lambda group: None)
        monkeypatch.setattr(os, "setgroups", lambda groups: None)
        monkeypatch.setattr(os, "fchown", lambda *given: None)
        monkeypatch.setattr(private_server, "switch_to", lambda account: {})
        monkeypatch.setattr(os, "fstat", _as_root(os.fstat, me))
        if name == "hook_scripts":
            monkeypatch.setattr(hook_files, "ids_of", lambda *given: None)
    _watching.append((str(home.path) + os.sep, os.geteuid, home.writes))
    try:
        PLACES[name].write(home)
    finally:
        _watching.pop()
    assert home.writes == []


def _as_root(real: Callable[[int], os.stat_result], me: int) -> Callable[[int], os.stat_result]:
    """What root that is made up has just made is its own."""

    def fstat(handle: int) -> os.stat_result:
        found = list(real(handle))
        if os.geteuid() == 0 and stat.S_ISDIR(int(found[0])) and found[4] == me:
            found[4] = 0
        return os.stat_result(found)

    return fstat


def test_the_watch_reports_a_write_by_path(home: Home) -> None:
    _watching.append((str(home.path) + os.sep, lambda: 0, home.writes))
    try:
        os.makedirs(home.path / "a" / "b")
        (home.path / "a" / "c").write_text("")
    finally:
        _watching.pop()
    assert [line.split()[0] for line in home.writes] == ["os.mkdir", "os.mkdir", "open"]
    with (home.path / "a" / "c").open() as stream:
        stream.read()
    assert len(home.writes) == 3
