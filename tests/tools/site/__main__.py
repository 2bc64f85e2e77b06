# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site in .cache/site/html. A warning is an error: a link to nowhere, a page in no menu.

python -m tests.tools.site
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sphinx.search.en import SearchEnglish

from tests.tools import examples
from tests.tools.images import IMAGES
from tests.tools.stage import CACHE, REPOSITORY, environment

SITE = CACHE / "site"
SOURCE, DOCTREES, HTML = SITE / "source", SITE / "doctrees", SITE / "html"
REFERENCE = SOURCE / "reference"
CONFIGURATION = Path(__file__).parent


def pages() -> Iterator[Path]:
    """The pages of the repository. On the site each has its path, so links from one to another lead there, too."""
    yield from sorted(REPOSITORY.glob("*.md"))
    yield from sorted((REPOSITORY / "docs").rglob("*.md"))


def copy_pages() -> None:
    """Copy what has changed; remove what is gone."""
    current = {SOURCE / page.relative_to(REPOSITORY): page for page in pages()}
    current |= {SOURCE / image.relative_to(REPOSITORY): image for image in IMAGES.iterdir()}
    current[SOURCE / "index.md"] = CONFIGURATION / "index.md"
    for target, page in current.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != page.read_bytes():
            shutil.copyfile(page, target)
    for target in {*SOURCE.rglob("*.md"), *(SOURCE / "docs" / "images").glob("*")} - set(current):
        target.unlink()


def run(*argv: str | Path) -> int:
    return subprocess.run(argv, cwd=REPOSITORY, env=environment(PYTHONPATH=str(REPOSITORY)), check=False).returncode


def generate_reference() -> int:
    REFERENCE.mkdir(parents=True, exist_ok=True)
    return run(
        *("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"),
        *("--cleanup", "everything", "--no-add-antsibull-docs-version", "--dest-dir", REFERENCE, examples.COLLECTION),
    )


def build() -> int:
    # Every page has the menu of all pages, so every page is written.
    rc = run(
        *("sphinx-build", "--builder", "html", "--quiet", "--fail-on-warning", "--write-all"),
        *("--conf-dir", CONFIGURATION, "--doctree-dir", DOCTREES, SOURCE, HTML),
    )
    if rc:
        # A page that was read before is not read again, so its warnings would be missing in the next run.
        shutil.rmtree(DOCTREES, ignore_errors=True)
    return rc


def missing_from_search() -> list[str]:
    """Playbooks, plugins, roles and variables of the inventory that the search of the site does not find."""
    text = (HTML / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    language = SearchEnglish({})
    terms = {*index["terms"], *index["titleterms"]}
    names = {*examples.playbook_names(), *examples.inventory_variables()}
    names |= {*examples.module_names(), *examples.filter_names(), *examples.role_names()}
    return sorted(name for name in names if not {language.stem(word) for word in language.split(name)} <= terms)


def main() -> int:
    copy_pages()
    rc = generate_reference() or build()
    if rc:
        return rc
    missing = missing_from_search()
    if missing:
        print(f"The search does not find: {', '.join(missing)}", file=sys.stderr)
        return 1
    print(f"The site is in {HTML.relative_to(REPOSITORY)}: {len(list(HTML.rglob('*.html')))} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
