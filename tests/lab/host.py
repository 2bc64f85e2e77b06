# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine that the lab runs on: its paths, its tools, and whether it can do it at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# One for the whole machine, because all labs share its addresses.
STATE = Path("/var/lib/pgdr-lab")
CACHE = Path(os.environ.get("PGDR_LAB_CACHE", "/var/cache/pgdr-lab"))
KEY = STATE / "id_ed25519"
KNOWN_HOSTS = STATE / "known_hosts"
SSH_CONFIG = STATE / "ssh_config"

# What is run, and the Debian package that has it.
TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "iptables": "iptables",
    "mkfs.ext4": "e2fsprogs",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MOUNTINFO = Path("/proc/self/mountinfo")
# Their directories, also where the caller's PATH lacks them (su, cron).
os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"

_started = time.monotonic()
_print_lock = threading.Lock()


class LabError(Exception):
    """Something did not work, in words for the person who reads them."""


class CannotRun(LabError):
    """This machine can't run the lab."""


def log(text: str) -> None:
    """One progress line, with the seconds since the start."""
    with _print_lock:
        print(f"[{time.monotonic() - _started:6.1f}s] {text}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str], *, check: bool = True, timeout: float = 120, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a short command; its output is kept, a failure is a LabError that shows it."""
    try:
        done = subprocess.run(
            argv,
            check=False,
            timeout=timeout,
            input="" if text is None else text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(argv)}` did not end within {timeout:.0f} s") from error
    if check and done.returncode != 0:
        raise LabError(f"`{' '.join(argv)}` failed ({done.returncode}): {done.stdout.strip()}")
    return done


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Only one process at a time; the kernel lets go of it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"waiting for another process: {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def state_lock() -> Iterator[None]:
    """Held while the list of machines or what they share on the host is changed; never while one boots."""
    with lock(STATE / "lock", "it is changing the list of machines"):
        yield


def cgroup_root() -> Path:
    """Where the host shows its version 2 control groups."""
    for line in MOUNTINFO.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] == "cgroup2":
            return Path(before.split()[4])
    raise CannotRun("no version 2 control groups are mounted")


def memory() -> int:
    """The bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_root() -> None:
    """What every command needs."""
    if sys.platform != "linux":
        raise CannotRun(f"it is not Linux but {sys.platform}")
    if os.geteuid() != 0:
        raise CannotRun("root is needed, for network namespaces and mounts (try sudo)")


def prepare() -> None:
    """Installs what is missing and tries out what the kernel must allow; raises CannotRun with the first thing that it doesn't."""
    require_root()
    _install_tools()
    if run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False).returncode != 0:
        raise CannotRun("mount, network and process namespaces can't be made (is this a container without privileges?)")
    for trial in (
        ["ip", "link", "add", "name", "pgdrlab-trial", "type", "bridge"],
        ["iptables", "-w", "10", "-t", "nat", "-S"],
    ):
        tried = run(["unshare", "--net", *trial], check=False)
        if tried.returncode != 0:
            # What it printed may be several lines, and this is one sentence.
            raise CannotRun(f"`{' '.join(trial)}` does not work ({' '.join(tried.stdout.split())})")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text(encoding="utf-8") and shutil.which("modprobe"):
        run(["modprobe", "overlay"], check=False)
    STATE.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STATE, prefix="probe-") as scratch:
        for part in ("lower", "upper", "work", "root"):
            (Path(scratch) / part).mkdir()
        overlay = f"lowerdir={scratch}/lower,upperdir={scratch}/upper,workdir={scratch}/work"
        tried = run(
            ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", overlay, f"{scratch}/root"], check=False
        )
        if tried.returncode != 0:
            raise CannotRun(f"overlayfs does not work in {STATE} (it has to be on ext4 or xfs)")
    group = cgroup_root() / "pgdr-lab"
    try:
        group.mkdir(exist_ok=True)
    except OSError as error:
        raise CannotRun(f"no control group can be made at {group} ({error.strerror})") from error
    if not (group / "cgroup.kill").exists():
        raise CannotRun("the kernel is older than 5.14")
    (STATE / "machines").mkdir(exist_ok=True)
    _make_key()


def _install_tools() -> None:
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if not DEBIAN_KEYS.exists():
        missing.append("debian-archive-keyring")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CannotRun(f"these tools are missing: {', '.join(missing)}")
    log(f"installing on this machine: {', '.join(missing)}")
    noninteractive = ["env", "DEBIAN_FRONTEND=noninteractive"]
    # One broken source among several is no reason to give up: what matters is whether the packages install.
    updated = run([*noninteractive, "apt-get", "update"], check=False, timeout=300)
    done = run(
        [*noninteractive, "apt-get", "install", "-y", "--no-install-recommends", *missing], check=False, timeout=600
    )
    if done.returncode != 0:
        raise LabError(f"can't install {', '.join(missing)}:\n{updated.stdout[-1000:]}\n{done.stdout[-2000:]}")


def _make_key() -> None:
    with state_lock():
        if not KEY.exists():
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pgdr-lab", "-f", str(KEY)])
        SSH_CONFIG.write_text(
            "Host 198.51.100.*\n"
            "  User root\n"
            f"  IdentityFile {KEY}\n"
            "  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {KNOWN_HOSTS}\n"
            "  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n",
            encoding="utf-8",
        )
