# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Say what to do where the collection cannot be imported yet."""
    link = REPOSITORY / ".cache" / "collections" / "ansible_collections" / "pgdr" / "barman"
    if not link.exists():
        pytest.exit(
            "The collection is not linked as ansible_collections.pgdr.barman: run `make venv` first.", returncode=4
        )


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY
