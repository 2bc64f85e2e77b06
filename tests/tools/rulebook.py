# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook in an environment of its own, .cache/rulebook, from requirements/rulebook.txt.

    rulebook.py                           make the environment, and print the path of ansible-rulebook
    rulebook.py SECONDS FILE ARGUMENTS    run ansible-rulebook for so many seconds, or until the file is gone; an end before that fails

It needs Java 17 or newer, which the rules engine is written in. On Debian, as root, it installs Java if it is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.tools.environment import CACHE, COLLECTIONS_ROOT, REQUIREMENTS, alone, fingerprint, is_stamped, log

PLACE = CACHE / "rulebook"
OLDEST_JAVA = 17


def java_home() -> Path:
    """The directory of the Java that is on PATH. Raises SystemExit if there is none, or if it is too old."""
    if shutil.which("java") is None and shutil.which("apt-get") is not None and os.geteuid() == 0:
        log("installing default-jre-headless on this machine")
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "default-jre-headless"], check=True)
    program = shutil.which("java")
    if program is None:
        raise SystemExit(
            f"rulebook: java is missing. Install Java {OLDEST_JAVA} or newer (on Debian openjdk-17-jre-headless)"
        )
    shown = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stderr
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise SystemExit(f"rulebook: Java {OLDEST_JAVA} or newer is needed, and {program} is: {shown.splitlines()[0]}")
    return Path(program).resolve().parents[1]


def make() -> Path:
    """The path of ansible-rulebook in its environment."""
    requirements, stamp = REQUIREMENTS / "rulebook.txt", PLACE / ".stamp"
    with alone():
        current = fingerprint(requirements)
        if not is_stamped(stamp, current):
            log(f"installing ansible-rulebook ({requirements.name})")
            subprocess.run([sys.executable, "-m", "venv", "--clear", PLACE], check=True)
            pip = [str(PLACE / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            subprocess.run([*pip, "--requirement", str(requirements)], check=True)
            stamp.write_text(current)
    return PLACE / "bin" / "ansible-rulebook"


def environment() -> dict[str, str]:
    """With its programs first, so that ansible-playbook is the one beside it, and the work tree as a collection."""
    return {
        **os.environ,
        "PATH": f"{PLACE / 'bin'}:{os.environ['PATH']}",
        "JAVA_HOME": str(java_home()),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS_ROOT),
    }


def run(seconds: float, file: Path, arguments: Sequence[str]) -> int:
    """0 if it ran for so long, or until the file was removed."""
    deadline = time.monotonic() + seconds
    with subprocess.Popen([make(), *arguments], env=environment()) as process:
        while process.poll() is None:
            if time.monotonic() >= deadline or not file.exists():
                process.terminate()
                process.wait()
                return 0
            time.sleep(0.5)
    return process.returncode or 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(run(float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
    java_home()
    sys.stdout.write(f"{make()}\n")
