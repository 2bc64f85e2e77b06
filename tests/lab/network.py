# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labs' network: one bridge for all, a namespace and a veth pair for each machine, and how to cut it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .host import STATE, LabError, run
from .spec import GATEWAY, NETWORK, Machine

BRIDGE = "pgdrlab0"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BEFORE = STATE / "ip_forward"
COMMENT = ("-m", "comment", "--comment", "pgdr-lab")
# So that apt works inside, also where a firewall (or Docker) forwards nothing by default.
RULES: tuple[tuple[str, ...], ...] = (
    ("nat", "POSTROUTING", "-s", str(NETWORK), "!", "-d", str(NETWORK), *COMMENT, "-j", "MASQUERADE"),
    ("filter", "FORWARD", "-i", BRIDGE, *COMMENT, "-j", "ACCEPT"),
    ("filter", "FORWARD", "-o", BRIDGE, *COMMENT, "-j", "ACCEPT"),
)


def namespace(machine: Machine) -> str:
    """The name of the machine's network namespace."""
    return f"pgdrlab-{machine.lab}-{machine.name}"


def link(machine: Machine) -> str:
    """The host's end of the machine's cable; at most 15 characters."""
    return f"pgdrlab-{machine.number}"


def hardware_address(number: int) -> str:
    """The same for the same address, always: nobody's ARP cache has to find out that a machine was made anew."""
    return "02:" + ":".join(f"{part:02x}" for part in (*NETWORK.network_address.packed[:3], 0, number))


def rule_command(action: str, rule: Sequence[str]) -> list[str]:
    """`-C`, `-I` or `-D` of a rule."""
    table, *rest = rule
    return ["iptables", "-w", "10", "-t", table, action, *rest]


def cut_command(action: str, machine: Machine, other: Machine) -> list[str]:
    """What arrives from the other machine is dropped in silence, as in a real partition: senders wait, and get no error."""
    return [
        "ip",
        "netns",
        "exec",
        namespace(machine),
        *rule_command(action, ("filter", "INPUT", "-s", other.address, *COMMENT, "-j", "DROP")),
    ]


def open_shared() -> None:
    """What all machines share on the host. Call under the state lock."""
    if not _exists(BRIDGE):
        run(["ip", "link", "add", BRIDGE, "address", hardware_address(int(GATEWAY) & 255), "type", "bridge"])
    run(["ip", "address", "replace", f"{GATEWAY}/{NETWORK.prefixlen}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
    if not BEFORE.exists():
        BEFORE.write_text(FORWARDING.read_text(encoding="ascii"), encoding="ascii")
    FORWARDING.write_text("1\n", encoding="ascii")
    for rule in RULES:
        if run(rule_command("-C", rule), check=False).returncode != 0:
            run(rule_command("-I", rule))


def close_shared() -> None:
    """Undoes `open_shared`, and sweeps what a crash may have left. Call under the state lock, when no machine is left."""
    for name in _namespaces():
        run(["ip", "netns", "delete", name])
    for name in _links():
        if name.startswith("pgdrlab-"):
            run(["ip", "link", "delete", name], check=False)
    if _exists(BRIDGE):
        run(["ip", "link", "delete", BRIDGE])
    # A machine that never had a lab has no iptables either.
    for rule in RULES if shutil.which("iptables") else ():
        while run(rule_command("-C", rule), check=False).returncode == 0:
            run(rule_command("-D", rule))
    if BEFORE.exists():
        FORWARDING.write_text(BEFORE.read_text(encoding="ascii"), encoding="ascii")
        BEFORE.unlink()


def plugged(machine: Machine) -> bool:
    """Whether `plug` was done to its end."""
    return (Path("/sys/class/net") / link(machine) / "master").exists() and namespace(machine) in _namespaces()


def plug(machine: Machine) -> None:
    """Gives the machine its namespace, cable and address. What is there stays, cuts included."""
    if plugged(machine):
        return
    unplug(machine)
    inside = ["ip", "-n", namespace(machine)]
    run(["ip", "netns", "add", namespace(machine)])
    cable = ["ip", "link", "add", link(machine), "type", "veth", "peer", "name", "eth0"]
    run([*cable, "address", hardware_address(machine.number), "netns", namespace(machine)])
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "address", "add", f"{machine.address}/{NETWORK.prefixlen}", "dev", "eth0"])
    run([*inside, "link", "set", "eth0", "up"])
    run([*inside, "route", "add", "default", "via", str(GATEWAY)])
    # Last, because `plugged` goes by it.
    run(["ip", "link", "set", link(machine), "master", BRIDGE, "up"])


def unplug(machine: Machine) -> None:
    """Takes them away again; no complaint if they are not there."""
    if _exists(link(machine)):
        run(["ip", "link", "delete", link(machine)])
    if namespace(machine) in _namespaces():
        run(["ip", "netns", "delete", namespace(machine)])


def forget_connections(machine: Machine) -> None:
    """Ends the host's connections to a former life of the machine (Ansible keeps some open), which would hang or fail."""
    run(["ss", "--kill", "dst", machine.address], check=False)


def cut(machine: Machine, other: Machine | None) -> None:
    """Cuts the network between two machines, or everything of one (the host reaches it no more, either)."""
    if other is None:
        run(["ip", "link", "set", link(machine), "down"])
        return
    for one, two in ((machine, other), (other, machine)):
        if run(cut_command("-C", one, two), check=False).returncode != 0:
            run(cut_command("-I", one, two))


def heal(machine: Machine, other: Machine | None) -> None:
    """The inverse of `cut`; nothing happens where nothing was cut."""
    if other is None:
        run(["ip", "link", "set", link(machine), "up"])
        return
    for one, two in ((machine, other), (other, machine)):
        while run(cut_command("-C", one, two), check=False).returncode == 0:
            run(cut_command("-D", one, two))


def cuts(machine: Machine, others: Sequence[Machine]) -> list[str]:
    """From what the machine is cut off, for `status`."""
    found = [
        other.name
        for other in others
        if other != machine and run(cut_command("-C", machine, other), check=False).returncode == 0
    ]
    flags: list[str] = []
    for entry in _json(["ip", "-j", "link", "show"]):
        if entry["ifname"] == link(machine):
            flags = entry["flags"]
    return found if "UP" in flags else ["everything"]


def _json(argv: list[str]) -> list[dict[str, Any]]:
    output = run(argv).stdout
    try:
        return list(json.loads(output or "[]"))
    except ValueError as error:
        raise LabError(f"`{' '.join(argv)}` answered {output[:200]!r}") from error


def _links() -> list[str]:
    return sorted(path.name for path in Path("/sys/class/net").iterdir())


def _exists(name: str) -> bool:
    return (Path("/sys/class/net") / name).exists()


def _namespaces() -> list[str]:
    path = Path("/run/netns")
    return sorted(entry.name for entry in path.iterdir() if entry.name.startswith("pgdrlab-")) if path.is_dir() else []
