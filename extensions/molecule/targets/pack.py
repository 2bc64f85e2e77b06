# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack tests/integration, what it tests, and what runs it, for a machine that has Python alone: python pack.py ARCHIVE"""

from __future__ import annotations

import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
COLLECTION = Path("ansible_collections/pgdr/barman")
# pytest, what it imports, and what modules import of Ansible.
PACKAGES = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
OF_ANSIBLE = ("__init__.py", "release.py", "_vendor", "module_utils")


def place(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"{package} is not installed")
    path = Path(spec.origin)
    return path.parent if path.name == "__init__.py" else path


def without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.name.endswith("__pycache__") else entry


def main(archive: str) -> None:
    contents = {COLLECTION / "plugins": REPOSITORY / "plugins", Path("tests"): REPOSITORY / "tests" / "integration"}
    contents[COLLECTION / "roles/pg/files"] = REPOSITORY / "roles/pg/files"
    contents |= {Path(place(package).name): place(package) for package in PACKAGES}
    contents |= {Path("ansible", name): place("ansible") / name for name in OF_ANSIBLE}
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        for name, path in contents.items():
            packed.add(path, name, filter=without_caches)


if __name__ == "__main__":
    main(sys.argv[1])
