# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection and install it where nothing else of the work tree is seen.

python -m tests.tools.installed COMMAND [ARGUMENT ...] runs a command that finds the installed one and no other.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools.stage import COLLECTIONS, Outcome, collection_metadata, environment, run


def build(directory: Path) -> Outcome:
    """Build the archive into a directory."""
    return run("build", "ansible-galaxy", "collection", "build", "--force", "--output-path", directory)


def link_dependencies(collections: Path) -> None:
    """The pinned collections of others, in another collections path."""
    target = collections / "ansible_collections"
    target.mkdir(parents=True, exist_ok=True)
    ours = collection_metadata()["namespace"]
    for namespace in (COLLECTIONS / "ansible_collections").iterdir():
        if namespace.is_dir() and namespace.name != ours:
            (target / namespace.name).symlink_to(namespace)


class InstalledCollection:
    """A built and installed copy of the collection, beside the collections it depends on."""

    def __init__(self, directory: Path) -> None:
        metadata = collection_metadata()
        self.directory = directory
        self.tarball = directory / f"{metadata['namespace']}-{metadata['name']}-{metadata['version']}.tar.gz"
        self.collections = directory / "collections"
        self.root = self.collections / "ansible_collections" / metadata["namespace"] / metadata["name"]
        self.collections.mkdir()

    def environment(self, **changes: str) -> dict[str, str]:
        return environment(ANSIBLE_COLLECTIONS_PATH=str(self.collections), **changes)

    def build(self) -> Outcome:
        return build(self.directory)

    def install(self) -> Outcome:
        """Install the built archive; what it depends on comes from the pinned collections."""
        outcome = run(
            "install into an empty path",
            *("ansible-galaxy", "collection", "install", "--offline", "--no-deps"),
            *("--collections-path", self.collections, self.tarball),
            cwd=self.directory,
            env=self.environment(),
        )
        link_dependencies(self.collections)
        return outcome


@contextmanager
def installed(name: str) -> Iterator[InstalledCollection]:
    """In a temporary directory: ansible-test looks for a git repository in every parent, and would find ours."""
    with tempfile.TemporaryDirectory(prefix=f"pgdr-barman-{name}-") as directory:
        yield InstalledCollection(Path(directory))


def main(command: list[str]) -> int:
    with installed("run") as collection:
        for step in (collection.build, collection.install):
            outcome = step()
            if not outcome.ok:
                print(outcome.output, file=sys.stderr)
                return outcome.rc
        return subprocess.run(command, cwd=collection.directory, env=collection.environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
