# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.hook_credentials import hook_credentials
from ansible_collections.pgdr.barman.plugins.filter.hook_texts import hook_texts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.hook_requirements import hook_requirements
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.requirement_types import HookCredentials
from tests.conftest import REPOSITORY
from tests.unit.plugins.plugin_utils._topology.inventories import good


def declared(**values):
    return good({"barman_hooks": values}).requirements["backup"]["barman"]["hooks"]


def test_without_hooks_there_are_no_files():
    required = hook_requirements([], "/usr/local/lib/pgdr.barman", "/var/lib/barman")
    assert required["sources"] == []
    assert hook_texts(required, []) == {}


def test_a_command_needs_the_runner_alone():
    required = declared(pre_backup_script="/srv/hook")
    assert required["sources"] == ["run_hook.py"]
    assert hook_texts(required, ["print()\n"]) == {"run-hook": "#!/usr/bin/python3\nprint()\n"}


def test_each_script_has_the_text_of_its_file():
    required = declared(
        pre_backup_script={"source": "/srv/b.sh"},
        pre_archive_script={"source": "/srv/a.sh"},
        post_archive_script={"content": "#!/bin/sh\n"},
        post_backup_script={"ready": "tar", "directory": "/srv/export"},
    )
    assert required["sources"] == ["run_hook.py", "export.py", "/srv/a.sh", "/srv/b.sh"]
    texts = hook_texts(required, ["runner\n", "export\n", "a\n", "b\n"])
    assert texts == {
        "run-hook": "#!/usr/bin/python3\nrunner\n",
        "export": "#!/usr/bin/python3\nexport\n",
        "pg.pre_backup_script": "b\n",
        "pg.pre_archive_script": "a\n",
        "pg.post_archive_script": "#!/bin/sh\n",
    }


def test_the_files_of_the_role_exist():
    required = declared(post_backup_script={"ready": "tar", "directory": "/srv/export"})
    for source in required["sources"]:
        assert (REPOSITORY / "roles/hooks/files" / source).is_file()


def test_a_missing_text_is_an_error():
    required = declared(pre_backup_script={"source": "/srv/a.sh"})
    with pytest.raises(AnsibleFilterError, match="1 texts for 2 files"):
        hook_texts(required, ["runner\n"])


CREDENTIALS: list[HookCredentials] = [
    {"profile": "barman-pg-eu", "host": "pg-eu"},
    {"profile": "barman-all", "host": "backup-eu"},
]
HOSTVARS = {
    "pg-eu": {"barman_s3_access_key": r"\1 key", "barman_s3_secret_key": "[x]\\2"},
    "backup-eu": {"barman_s3_access_key": "k", "barman_s3_secret_key": "s"},
}


def test_each_profile_has_a_file_of_its_own():
    assert hook_credentials(CREDENTIALS, HOSTVARS) == {
        "barman-pg-eu": "[barman-pg-eu]\naws_access_key_id = \\1 key\naws_secret_access_key = [x]\\2\n",
        "barman-all": "[barman-all]\naws_access_key_id = k\naws_secret_access_key = s\n",
    }


def test_a_missing_secret_is_named_without_its_value():
    hostvars = {**HOSTVARS, "pg-eu": {"barman_s3_access_key": "key-of-eu"}}
    with pytest.raises(AnsibleFilterError, match="the host pg-eu has no barman_s3_secret_key") as failed:
        hook_credentials(CREDENTIALS, hostvars)
    assert "key-of-eu" not in str(failed.value)
