# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.conftest import REPOSITORY
from tests.tools import examples
from tests.unit.ansible_core import modules_run_on_a_managed_host

set_hypothesis_home_dir(REPOSITORY / ".cache" / "hypothesis")

# No time limit an example: a busy machine is no reason to fail.
settings.register_profile("default", deadline=None, max_examples=50)
settings.load_profile("default")


@pytest.fixture(scope="session")
def docs() -> dict[str, Any]:
    """What ansible-doc knows of the collection."""
    return examples.documentation()


@pytest.fixture(autouse=True)
def as_on_a_managed_host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module's warnings are part of its result, also where a test before has imported Ansible's controller."""
    if "modules" in request.path.parts:
        modules_run_on_a_managed_host(monkeypatch)
