# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machine a host is: its running kernel, its hypervisor, and the public keys of its users.

This module util is private to the collection.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import os
import re
from collections.abc import Iterable
from typing import Any

from .._host.files import read_text
from .._host.process import HostError, lookup_user

CONTAINER_MANAGERS = ("run/host/container-manager", "run/systemd/container")
_BOOT_TIME = re.compile(r"^btime (\d+)$", re.MULTILINE)
_MEMORY = re.compile(r"^MemTotal: +(\d+) kB$", re.MULTILINE)
BOOT_ID = "proc/sys/kernel/random/boot_id"
#: The pool in which Hyper-V gives its guests values (linux/hyperv.h): records of a key and a value, filled with zeros.
HYPERV_POOL = "var/lib/hyperv/.kvp_pool_3"
_KEY, _VALUE = 512, 2048
_PHYSICAL_HOST = ("PhysicalHostNameFullyQualified", "PhysicalHostName")


def machine_facts(root: str = "/") -> dict[str, Any]:
    """kernel: the id of the running kernel, which all containers on it share; a copied virtual machine has another. hypervisor: empty if unknown."""
    boot_id = (_read(os.path.join(root, BOOT_ID)) or "").strip()
    return {"kernel": _nspawn_kernel(root) or boot_id, "hypervisor": _hypervisor(root)}


def _nspawn_kernel(root: str) -> str:
    """In a container of systemd-nspawn, which has a boot id of its own: when the kernel started, its memory, and the machine's UUID. Empty elsewhere."""
    managers = {(_read(os.path.join(root, name)) or "").strip() for name in CONTAINER_MANAGERS}
    if "systemd-nspawn" not in managers:
        return ""
    started = _BOOT_TIME.search(_read(os.path.join(root, "proc/stat")) or "")
    memory = _MEMORY.search(_read(os.path.join(root, "proc/meminfo")) or "")
    if started is None or memory is None:
        return ""
    product = (_read(os.path.join(root, "sys/class/dmi/id/product_uuid")) or "").strip()
    return f"started {started[1]}, {memory[1]} kB, {product or 'no UUID'}"


def _hypervisor(root: str) -> str:
    values = pool_values((_read(os.path.join(root, HYPERV_POOL)) or "").encode("utf-8", "surrogateescape"))
    return next((values[name] for name in _PHYSICAL_HOST if values.get(name)), "")


def pool_values(data: bytes) -> dict[str, str]:
    """The keys and values of a pool of Hyper-V."""
    size = _KEY + _VALUE
    records = (data[start : start + size] for start in range(0, len(data) - size + 1, size))
    return {_text(record[:_KEY]): _text(record[_KEY:]) for record in records}


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _read(path: str) -> str | None:
    try:
        return read_text(path)
    except HostError:
        return None


def fingerprints(users: Iterable[str]) -> dict[str, list[str]]:
    """By user, the fingerprints of its public keys, as ssh-keygen prints them. A user that does not exist has none."""
    found: dict[str, list[str]] = {}
    for user in users:
        try:
            home = lookup_user(user).pw_dir
        except HostError:
            continue
        texts = (_read(path) for path in sorted(glob.glob(os.path.join(glob.escape(home), ".ssh", "id_*.pub"))))
        found[user] = [one for one in map(fingerprint, filter(None, texts)) if one]
    return found


def fingerprint(public_key: str) -> str:
    """The SHA-256 fingerprint of a public key; empty if the text is none."""
    fields = public_key.split()
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except (IndexError, ValueError):
        return ""
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"
