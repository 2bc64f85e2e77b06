# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin every version: resolve requirements/*.in and write requirements/*.txt (`make lock`)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"

HEADER = """\
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Made by `make lock` from {source}; don't edit.
"""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(source: Path, constraint: Path | None) -> dict[str, str]:
    """The versions that pip would install for `source` on an empty environment."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "-qq", "--ignore-installed", "--report", "-"]
    command += ["-r", str(source)]
    if constraint:
        command += ["-c", str(constraint)]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {canonical(i["metadata"]["name"]): i["metadata"]["version"] for i in report["install"]}


def main() -> None:
    everything = resolve(REQUIREMENTS / "dev.in", None)
    constraint = REQUIREMENTS / "dev.txt"
    for name in ("dev", "run", "rulebook"):
        source = REQUIREMENTS / f"{name}.in"
        versions = everything if name == "dev" else resolve(source, constraint)
        lines = [f"{package}=={version}\n" for package, version in sorted(versions.items())]
        (REQUIREMENTS / f"{name}.txt").write_text(HEADER.format(source=source.name) + "".join(lines))


if __name__ == "__main__":
    main()
