# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine: its record on the host, its disks, booting it, killing it, and running something in it.

A machine is a directory (its record, what it wrote over its image, its disks), a control group with all its processes, and what
`network` gives it. Its mounts live in a mount namespace that ends with its last process, so none can be left behind.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import network
from .host import KEY, KNOWN_HOSTS, SSH_CONFIG, STATE, LabError, cgroup_root, log, run, state_lock
from .spec import Disk, Machine

MACHINES = STATE / "machines"
LEAST_MEMORY = 16 * 1024**3
"""A machine writes 0.2 to 0.8 GB, and three scenarios at a time have up to twelve machines."""
BYTECODE = STATE / "bytecode"
BYTECODE_INSIDE = "/var/cache/pgdr-lab-bytecode"
BYTECODE_MODULE = Path(__file__).with_name("bytecode.py")
BOOT = Path(__file__).with_name("boot.sh")
ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")
FILLER = ".pgdr-lab-filler"
UNUSED_GENERATORS = (
    "debug",
    "fstab",
    "getty",
    "gpt-auto",
    "hibernate-resume",
    "rc-local",
    "run",
    "ssh",
    "system-update",
    "tpm2",
)
"""systemd runs each of its generators at each reload, ten times while PostgreSQL is installed. These find nothing in a container."""

stopping = threading.Event()


@dataclass(frozen=True)
class Record:
    """A machine that exists: what was asked for, and the image that it stands on."""

    machine: Machine
    image: Path

    @property
    def directory(self) -> Path:
        """Everything of the machine on the host's disk."""
        return directory(self.machine)

    @property
    def group(self) -> str:
        """Its control group, as seen from the root of the hierarchy."""
        return f"pgdr-lab/{self.machine.lab}-{self.machine.name}"

    @property
    def prepared(self) -> bool:
        """Whether its disk was made completely."""
        return (self.directory / "prepared").exists()

    @property
    def running(self) -> bool:
        """Whether any process of it lives."""
        try:
            return "populated 1" in (cgroup_root() / self.group / "cgroup.events").read_text(encoding="ascii")
        except FileNotFoundError:
            return False

    def save(self) -> None:
        """Claims the machine's name and address. Call under the state lock."""
        self.directory.mkdir(parents=True, exist_ok=True)
        data = {"machine": self.machine.to_dict(), "image": str(self.image)}
        replace(self.directory / "machine.json", json.dumps(data, indent=1) + "\n")


def directory(machine: Machine) -> Path:
    """Where the machine's record and disks are."""
    return MACHINES / machine.lab / machine.name


def replace(path: Path, text: str) -> None:
    """Writes a file so that a reader sees the old or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def records() -> list[Record]:
    """All machines of all labs."""
    found = []
    for path in sorted(MACHINES.glob("*/*/machine.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        found.append(Record(Machine.from_dict(data["machine"]), Path(data["image"])))
    return found


def find(name: str, among: Iterable[Record]) -> Record:
    """The machine called `name`, or `lab/name` where several labs have one."""
    existing = list(among)
    found = [record for record in existing if name in (record.machine.label, record.machine.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise LabError(
            f"several labs have a machine {name}: say {' or '.join(record.machine.label for record in found)}"
        )
    there = ", ".join(record.machine.label for record in existing) or "none"
    raise LabError(f"there is no machine {name} (there are: {there})")


# --- its disk


def prepare(record: Record, neighbours: Sequence[Machine]) -> None:
    """Makes the machine's disk: what makes it different from every other one of the same image."""
    for name in ("upper", "work", "root"):
        shutil.rmtree(record.directory / name, ignore_errors=True)
        (record.directory / name).mkdir()
    machine = record.machine
    etc = record.directory / "upper/etc"
    keys = etc / "ssh"
    keys.mkdir(parents=True)
    hosts = "".join(f"{other.address} {other.name}\n" for other in (machine, *neighbours))
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n{hosts}", encoding="utf-8")
    (etc / "hostname").write_text(f"{machine.name}\n", encoding="utf-8")
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n", encoding="utf-8")
    (etc / "resolv.conf").write_text(_resolv_conf(), encoding="utf-8")
    for kind in ("ed25519", "ecdsa"):
        run(
            [
                "ssh-keygen",
                "-q",
                "-t",
                kind,
                "-N",
                "",
                "-C",
                f"root@{machine.name}",
                "-f",
                str(keys / f"ssh_host_{kind}_key"),
            ]
        )
    generators = etc / "systemd/system-generators"
    generators.mkdir(parents=True)
    for name in UNUSED_GENERATORS:
        (generators / f"systemd-{name}-generator").symlink_to("/dev/null")
    ssh = record.directory / "upper/root/.ssh"
    ssh.mkdir(parents=True, mode=0o700)
    ssh.parent.chmod(0o700)
    (ssh / "authorized_keys").write_text(KEY.with_suffix(".pub").read_text(encoding="utf-8"), encoding="utf-8")
    packages = record.directory / "upper/usr/lib/python3/dist-packages"
    packages.mkdir(parents=True)
    shutil.copyfile(BYTECODE_MODULE, packages / "pgdr_lab_bytecode.py")
    (packages / "pgdr_lab_bytecode.pth").write_text(
        "import pgdr_lab_bytecode; pgdr_lab_bytecode.install()\n", encoding="utf-8"
    )
    for number, disk in enumerate(machine.disks):
        _make_disk(disk_file(record, number), disk)
    (record.directory / "prepared").touch()


def disk_file(record: Record, number: int) -> Path:
    """The file behind the machine's disk of that number."""
    return record.directory / f"disk-{number}.img"


def _make_disk(path: Path, disk: Disk) -> None:
    path.unlink(missing_ok=True)
    with path.open("wb") as handle:
        handle.truncate(disk.size)
    # -m 0: the disk is full for root at the same moment as for everybody else.
    run(["mkfs.ext4", "-q", "-F", "-m", "0", str(path)])
    # initdb needs its directory empty.
    run(["debugfs", "-w", "-R", "rmdir lost+found", str(path)])


def _resolv_conf() -> str:
    # Where systemd-resolved listens on the host's loopback, a machine needs the servers behind it.
    for path in ("/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"):
        if Path(path).exists():
            return Path(path).read_text(encoding="utf-8")
    return ""


def write_known_hosts() -> None:
    """The host keys of all machines, as the lab made them. Call under the state lock."""
    lines = []
    for record in records():
        for path in sorted((record.directory / "upper/etc/ssh").glob("ssh_host_*_key.pub")):
            words = path.read_text(encoding="utf-8").split()
            # A machine that is being made at this moment writes them anew when its own keys are complete.
            if len(words) >= 2:
                lines.append(f"{record.machine.address} {words[0]} {words[1]}\n")
    replace(KNOWN_HOSTS, "".join(lines))


# --- its life


def nspawn_command(record: Record, limits: Sequence[tuple[str, int]]) -> list[str]:
    """The command line that boots the machine's system."""
    machine = record.machine
    return [
        "systemd-nspawn",
        "--quiet",
        f"--directory={record.directory / 'root'}",
        f"--machine={machine.lab}-{machine.name}",
        f"--hostname={machine.name}",
        "--register=no",
        "--keep-unit",
        "--boot",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=read-only",
        f"--network-namespace-path=/run/netns/{network.namespace(machine)}",
        f"--bind={BYTECODE}:{BYTECODE_INSIDE}",
        *(f"--rlimit={name}={value}" for name, value in limits),
    ]


def host_limits() -> list[tuple[str, int]]:
    """The host's own hard limits where nspawn would raise them, which not every host lets even root do."""
    found = []
    for name in ("RLIMIT_NOFILE", "RLIMIT_MEMLOCK"):
        hard = resource.getrlimit(getattr(resource, name))[1]
        if hard != resource.RLIM_INFINITY:
            found.append((name, hard))
    return found


def boot(record: Record) -> subprocess.Popen[bytes]:
    """Starts the machine; it goes on when this program ends."""
    if not record.image.is_dir():
        raise LabError(
            f"{record.machine.label}: its image {record.image} is gone: take lab `{record.machine.lab}` down, and up again"
        )
    mounts: list[str] = []
    disks = [(disk.path, str(disk_file(record, number))) for number, disk in enumerate(record.machine.disks)]
    for path, file in sorted(disks):
        mounts += [file, path]
    # Made here, not by the script: where `kill` has removed it in between, the script ends instead of booting.
    (cgroup_root() / record.group / "boot").mkdir(parents=True, exist_ok=True)
    arguments = [
        record.group,
        str(record.directory),
        str(record.image),
        *mounts,
        "--",
        *nspawn_command(record, host_limits()),
    ]
    with (record.directory / "console.log").open("ab") as log:
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", str(BOOT), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def leader(record: Record) -> int | None:
    """The process id, on the host, of the machine's first process."""
    for path in (cgroup_root() / record.group).rglob("cgroup.procs"):
        try:
            for pid in path.read_text(encoding="ascii").split():
                status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
                if any(line.startswith("NSpid:") and line.split()[2:] == ["1"] for line in status.splitlines()):
                    return int(pid)
        except OSError:
            continue
    return None


def inside(record: Record, argv: Sequence[str], environment: Sequence[str] = ()) -> list[str]:
    """The command line that runs `argv` as root in the machine, without its network."""
    pid = leader(record)
    if pid is None:
        raise LabError(f"{record.machine.label} is not running")
    enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]
    return [*enter, "env", "--ignore-environment", *ENVIRONMENT, *environment, *argv]


def wait_until_up(record: Record, timeout: float, booting: subprocess.Popen[bytes] | None) -> None:
    """Waits until systemd is done and ssh lets us in. Reports the last state if that takes too long."""
    deadline = time.monotonic() + timeout
    state = "no process"
    while not stopping.is_set():
        if booting is not None and booting.poll() is not None:
            raise LabError(f"{record.machine.label} ended while it was booting; {_console(record)}")
        if leader(record) is not None:
            state = _look(record)
            if state == "up":
                return
        if time.monotonic() > deadline:
            raise LabError(f"{record.machine.label} is not up after {timeout:.0f} s: {state}; {_console(record)}")
        time.sleep(0.1)
    raise LabError(f"{record.machine.label}: interrupted")


def _console(record: Record) -> str:
    path = record.directory / "console.log"
    last = path.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    return "\n".join([f"the end of {path}:", *last])


def _look(record: Record) -> str:
    try:
        state = run(inside(record, ["systemctl", "is-system-running"]), check=False, timeout=20).stdout.strip()
    except LabError as error:
        return str(error)
    if state == "degraded":
        failed = run(inside(record, ["systemctl", "--failed", "--plain", "--no-legend"])).stdout
        units = ", ".join(line.split()[0] for line in failed.splitlines() if line.strip())
        raise LabError(f"{record.machine.label} came up with failed units: {units}")
    if state != "running":
        return f"systemd says {state!r}"
    ssh = [
        "ssh",
        "-F",
        str(SSH_CONFIG),
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=3",
        record.machine.address,
        "true",
    ]
    tried = run(ssh, check=False, timeout=20)
    return "up" if tried.returncode == 0 else f"ssh says {tried.stdout.strip()!r}"


def bring_up(record: Record, neighbours: Sequence[Machine], timeout: float) -> None:
    """From whatever was there to a machine that answers."""
    started = time.monotonic()
    booting = None
    if not record.running:
        if not record.prepared:
            prepare(record, neighbours)
            with state_lock():
                write_known_hosts()
        network.plug(record.machine)
        network.forget_connections(record.machine)
        booting = boot(record)
    wait_until_up(record, timeout, booting)
    log(
        f"{record.machine.label} ({record.machine.image}, {record.machine.address}): up in {time.monotonic() - started:.1f} s"
    )


def kill(record: Record) -> None:
    """Ends all processes of the machine at once, as a power cut does."""
    group = cgroup_root() / record.group
    deadline = time.monotonic() + 30
    while group.exists():
        (group / "cgroup.kill").write_text("1", encoding="ascii")
        try:
            remove_group(group)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            if time.monotonic() > deadline:
                raise LabError(f"{record.machine.label} has processes that can't be killed: see {group}") from error
            time.sleep(0.02)


def share_bytecode() -> None:
    """Make the directory in which the machines' Pythons keep compiled modules; every user of a machine writes to it. Call under the state lock."""
    BYTECODE.mkdir(exist_ok=True)
    BYTECODE.chmod(0o1777)


def forget_bytecode() -> None:
    """Remove what the machines compiled. Call under the state lock, when no machine is left."""
    shutil.rmtree(BYTECODE, ignore_errors=True)


def hold_in_memory(memory: int) -> None:
    """Have machines write to memory if the host has enough of it, in bytes. Call under the state lock, when there is no machine."""
    if memory < LEAST_MEMORY or MACHINES.is_mount() or any(MACHINES.iterdir()):
        return
    run(["mount", "-t", "tmpfs", "-o", f"size={memory * 6 // 10},mode=0755", "pgdr-lab", str(MACHINES)])


def free_memory() -> None:
    """Give the memory back. Call under the state lock, when no machine is left."""
    if MACHINES.is_mount():
        run(["umount", str(MACHINES)])


def remove_group(group: Path) -> None:
    """Removes a control group without processes, and those in it."""
    for path, _, _ in os.walk(group, topdown=False):
        Path(path).rmdir()


def remove(record: Record) -> None:
    """Takes the machine away. Its record goes last, so that an interrupted removal can be repeated."""
    kill(record)
    network.unplug(record.machine)
    for path in record.directory.iterdir():
        if path.name == "machine.json":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.rmtree(record.directory)
    log(f"{record.machine.label}: gone")


# --- filling its disks


def mount_of(mountinfo: str, path: str) -> tuple[str, str] | None:
    """Device number and source of what is mounted at exactly `path`, by a process' mountinfo."""
    found = None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[4] == path:
            found = (before.split()[2], after.split()[1])
    return found


def fill(record: Record, path: str) -> int:
    """Leaves no free byte on one of the machine's own disks; returns how many there were."""
    with _open_disk(record, path) as disk:
        free = os.statvfs(disk.number).f_bavail * os.statvfs(disk.number).f_frsize
        handle = os.open(FILLER, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=disk.number)
        try:
            start = os.fstat(handle).st_size
            step = 1024**2
            while step:
                try:
                    os.posix_fallocate(handle, os.fstat(handle).st_size, step)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2
            if os.fstat(handle).st_size == start and free > 0:
                raise LabError(f"{record.machine.label}:{path} could not be filled: {free} bytes are still free")
        finally:
            os.close(handle)
        return free


def free(record: Record, path: str) -> None:
    """The inverse of `fill`."""
    with _open_disk(record, path) as disk:
        try:
            os.unlink(FILLER, dir_fd=disk.number)
        except FileNotFoundError:
            return


class _open_disk:
    """A handle on a disk of the machine: never on anything else, whatever the machine's paths may point to."""

    def __init__(self, record: Record, path: str) -> None:
        own = [disk.path for disk in record.machine.disks]
        if path not in own:
            given = f"its disks: {', '.join(own)}" if own else "its lab file gives it none"
            raise LabError(
                f"{record.machine.label} has no disk of its own at {path} ({given}), and the host's disk is not to be filled"
            )
        pid = leader(record)
        if pid is None:
            raise LabError(f"{record.machine.label} is not running")
        mount = mount_of(Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8"), path)
        self.number = os.open(f"/proc/{pid}/root{path}", os.O_RDONLY | os.O_DIRECTORY)
        device = os.fstat(self.number).st_dev
        if (
            mount is None
            or not mount[1].startswith("/dev/loop")
            or mount[0] != f"{os.major(device)}:{os.minor(device)}"
        ):
            os.close(self.number)
            raise LabError(f"{record.machine.label}: the disk at {path} is not mounted")

    def __enter__(self) -> _open_disk:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.number)
