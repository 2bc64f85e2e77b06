# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: built when first needed, kept outside the repository, read only afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from .host import CACHE, LabError, lock, log, run

RECIPE = Path(__file__).with_name("recipe.sh")
SUITES = {"debian12": "bookworm", "debian13": "trixie", "sid": "sid"}
MIRROR = "http://deb.debian.org/debian"
# The host's apt settings that decide how, or whether, a mirror is reached.
HOST_APT_SETTINGS = re.compile(
    r"Acquire::(https?::|ftp::|Check-Valid-Until|Check-Date|Retries|ForceIPv)[^ ]* \"[^\"]+\";"
)


def recipe_hash(recipe: str, image: str) -> str:
    """Names one way of making one image: another recipe is another image."""
    return hashlib.sha256(f"{SUITES[image]}\n{recipe}".encode()).hexdigest()[:12]


def directory(image: str) -> Path:
    """Where the image that the present recipe makes is, or will be."""
    return CACHE / f"{image}-{recipe_hash(RECIPE.read_text(encoding='utf-8'), image)}"


def census(root: Path) -> dict[str, int]:
    """How many entries a tree has and how many bytes its files: quick to take, and different when something was lost or cut short."""
    entries = size = 0
    pending = [str(root)]
    while pending:
        with os.scandir(pending.pop()) as found:
            for entry in found:
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    size += entry.stat(follow_symlinks=False).st_size
    return {"entries": entries, "bytes": size}


def write_marker(path: Path, about: Mapping[str, object]) -> None:
    """Says that the image is complete."""
    marker = {**census(path / "root"), **about, "built": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    (path / "complete.json").write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")


def damage(path: Path) -> str | None:
    """What is wrong with a built image; None if nothing is."""
    try:
        marker = json.loads((path / "complete.json").read_text(encoding="utf-8"))
        found = census(path / "root")
    except (OSError, ValueError) as error:
        return f"unreadable ({error})"
    if not isinstance(marker, dict) or {key: marker.get(key) for key in found} != found:
        return f"changed since it was built ({found['entries']} entries, {found['bytes']} bytes)"
    return None


def mirror_from(sources: Iterable[str]) -> str:
    """The Debian mirror in the host's apt sources (both formats); the public one if there is none."""
    for text in sources:
        for line in text.splitlines():
            match = re.match(r"(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(https?://\S+/debian)/?(?:\s|$)", line)
            if match:
                return match[1]
    return MIRROR


def host_apt_settings(dump: str, environment: Mapping[str, str]) -> str:
    """What a machine needs to reach the mirror as the host does: lines of `apt-config dump`, and the environment's proxies."""
    lines = [line for line in dump.splitlines() if HOST_APT_SETTINGS.fullmatch(line)]
    for scheme in ("http", "https"):
        proxy = environment.get(f"{scheme}_proxy")
        if proxy and not any(line.startswith(f"Acquire::{scheme}::Proxy ") for line in lines):
            lines.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return "".join(f"{line}\n" for line in lines)


def ensure(image: str, *, claimed: Container[str] = (), standing: Container[str] = ()) -> Path:
    """The root directory of a sound image; builds it if there is none.

    `claimed`: image directories that some machine needs or has, which must stay. `standing`: those that a machine was made from, which must
    not change under it.
    """
    path = directory(image)
    with lock(CACHE / f"{image}.lock", f"it is building or checking image {image}"):
        if path.exists():
            problem = damage(path)
            if problem is None:
                return path / "root"
            if str(path) in standing:
                raise LabError(
                    f"image {image} is {problem}, but machines stand on it: take them down, then it is rebuilt"
                )
            log(f"image {image}: {problem}; building it anew")
        _discard(other for other in CACHE.glob(f"{image}-*") if str(other) not in claimed or other == path)
        _discard(CACHE.glob(f".build-{image}-*"))
        _build(image, path)
    return path / "root"


def _build(image: str, path: Path) -> None:
    log(f"image {image}: building (about a minute)")
    started = time.monotonic()
    building = CACHE / f".build-{image}-{os.getpid()}"
    building.mkdir(parents=True)
    root = building / "root"
    mirror = os.environ.get("PGDR_LAB_MIRROR") or mirror_from(_host_sources())
    (building / "root.conf").write_text(host_apt_settings(_apt_config_dump(), os.environ), encoding="utf-8")
    build_log = CACHE / f"{image}.log"
    # Nothing of a build goes on when this process ends, and with it the lock.
    isolation = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
    ]
    with build_log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [*isolation, "sh", str(RECIPE), str(root), SUITES[image], mirror],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=1800,
        )
    if done.returncode != 0:
        last = "".join(build_log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-15:])
        raise LabError(f"image {image} can't be built from {mirror}; the end of {build_log}:\n{last}")
    seconds = time.monotonic() - started
    write_marker(building, {"suite": SUITES[image], "mirror": mirror, "seconds": round(seconds, 1)})
    os.sync()
    building.rename(path)
    log(f"image {image}: built in {seconds:.0f} s")


def _discard(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path)


def _apt_config_dump() -> str:
    return run(["apt-config", "dump"], check=False).stdout if shutil.which("apt-config") else ""


def _host_sources() -> list[str]:
    paths = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    return [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()]


def listing() -> list[dict[str, object]]:
    """Every image, for `image list`."""
    found: list[dict[str, object]] = []
    for image in SUITES:
        path = directory(image)
        row: dict[str, object] = {"image": image, "path": str(path), "state": "absent"}
        if path.exists():
            row["state"] = damage(path) or "ready"
            if row["state"] == "ready":
                row.update(json.loads((path / "complete.json").read_text(encoding="utf-8")))
        found.append(row)
    return found
