# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user gets it: built, installed into an empty path, and looked at there (`make package`)."""

from __future__ import annotations

import json
import os
import re
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor

from tests.tools import examples
from tests.tools.installed import InstalledCollection, installed
from tests.tools.stage import REPOSITORY, Outcome, Stage, exit_on_signals, run

NOT_PUBLISHED = ("requirements", "Makefile", ".cache", ".venv", ".git", ".github", ".ci")
LARGEST = 1_500_000
"""Bytes of a reasonable archive: something that does not belong there makes it grow."""

FAILURE = re.compile(r"^\s*(?:\[?WARNING|\[?ERROR|CRITICAL)", re.MULTILINE)


def check_archive(stage: Stage, collection: InstalledCollection) -> None:
    with tarfile.open(collection.tarball) as archive:
        names = archive.getnames()
    tops = {name.split("/")[0] for name in names}
    # ansible-test reads its settings from there.
    tests = sorted(name for name in names if name.startswith("tests/") and name != "tests/config.yml")
    tests += sorted(name for name in names if name.startswith("extensions/molecule"))
    astray = tests + sorted(tops & set(NOT_PUBLISHED)) + sorted(top for top in tops if top.endswith("cache"))
    size = collection.tarball.stat().st_size
    stage.note("nothing astray in the archive", ok=not astray, output="\n".join(astray))
    stage.note("archive is small", ok=size < LARGEST, detail=f"{size / 1000:.0f} kB")


def playbook_outcome(collection: InstalledCollection, name: str) -> Outcome:
    return run(
        f"playbook {name}",
        *("ansible-playbook", "--syntax-check", "--inventory", "localhost,", name),
        cwd=collection.directory,
        env=collection.environment(),
    )


def check_documentation(stage: Stage, collection: InstalledCollection, kind: str, names: list[str]) -> None:
    """Each by its own name, as a user asks for it, in one call."""
    full = [f"{examples.COLLECTION}.{name}" for name in names]
    if not full:
        return
    outcome = run(
        f"ansible-doc --type {kind}",
        *("ansible-doc", "--type", kind, "--json", *full),
        cwd=collection.directory,
        env=collection.environment(),
        apart=True,
    )
    try:
        found = json.loads(outcome.output)
    except ValueError:
        found = {}
    for name in full:
        stage.note(f"{kind} {name} is documented", ok=name in found, output=outcome.errors)


def importer_outcome(collection: InstalledCollection) -> Outcome:
    done = run(
        "galaxy-importer",
        *(sys.executable, "-m", "galaxy_importer.main", collection.tarball),
        cwd=collection.directory,
        # ansible-test has its own stage, and galaxy-importer would want a container for it.
        env=collection.environment(GALAXY_IMPORTER_RUN_ANSIBLE_TEST="false"),
    )
    rc = done.rc or int(FAILURE.search(done.output) is not None)
    return Outcome(done.name, done.argv, rc, done.output, done.seconds)


def docs_lint_outcome(collection: InstalledCollection) -> Outcome:
    return run(
        "antsibull-docs lint",
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "all"),
        *("--skip-rstcheck", collection.root),
        cwd=collection.directory,
        env=collection.environment(),
    )


def look(stage: Stage, collection: InstalledCollection) -> None:
    for step in (collection.build, collection.install):
        if not stage.note_outcome(step()):
            return
    check_archive(stage, collection)
    playbooks = sorted(examples.playbook_names())
    stage.note("there are playbooks", ok=bool(playbooks))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        waiting = [pool.submit(importer_outcome, collection), pool.submit(docs_lint_outcome, collection)]
        waiting += [pool.submit(playbook_outcome, collection, name) for name in playbooks]
        for outcome in waiting:
            stage.note_outcome(outcome.result())
    check_documentation(stage, collection, "module", examples.module_names())
    check_documentation(stage, collection, "filter", examples.filter_names())
    check_documentation(stage, collection, "role", examples.role_names())


def main() -> int:
    exit_on_signals()
    os.chdir(REPOSITORY)
    stage = Stage("package")
    with installed("package") as collection:
        look(stage, collection)
    return stage.finish()


if __name__ == "__main__":
    sys.exit(main())
