# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture and the report in docs/images: those of the quickstart's fleet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.pgdr.barman.plugins.module_utils._publish.run import is_ours
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture import svg
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.architecture import draw
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import described
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from tests.conftest import REPOSITORY
from tests.tools import images

INVENTORY = yaml.safe_load((REPOSITORY / "tests/quickstart/inventory.yml").read_text(encoding="utf-8"))


def declared(group: str) -> dict[str, dict[str, Any]]:
    hosts = INVENTORY["all"]["children"][group]["hosts"]
    return {
        host: {
            "barman_address": variables["ansible_host"],
            **{name: value for name, value in variables.items() if name.startswith("barman_")},
        }
        for host, variables in hosts.items()
    }


def test_the_picture_is_that_of_the_quickstart_s_inventory() -> None:
    """If it is not: make quickstart, then python -m tests.tools.images."""
    built = build(declared("pg"), declared("backup"))
    assert built.problems == []
    text = (images.IMAGES / "architecture.svg").read_text(encoding="utf-8")
    assert svg.is_ours(text)
    sentences = svg.sentences(text).splitlines()
    assert " ".join(sentences[1:]) == described(draw(built.topology))


def test_the_report_is_healthy_and_is_one_page() -> None:
    text = (images.IMAGES / "report.html").read_text(encoding="utf-8")
    assert is_ours(text)
    assert "<title>healthy: Backups of PostgreSQL</title>" in text
    assert (images.IMAGES / "report.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_quickstart_nothing_is_copied(tmp_path: Path) -> None:
    assert images.main(tmp_path / "made", tmp_path / "images") == 1
    assert not (tmp_path / "images").exists()
