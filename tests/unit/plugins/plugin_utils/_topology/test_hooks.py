# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hook scripts as the inventory declares them: what is wrong is told, and what follows is run by run-hook."""

from __future__ import annotations

import json
import shlex

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.option_table import HOOKS
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Unreadable
from tests.unit.plugins.plugin_utils._topology.inventories import good, only_problem, pg, problems

S3 = {
    "barman_hooks": {"pre_archive_retry_script": {"ready": "s3"}, "post_backup_retry_script": {"ready": "s3"}},
    "barman_s3": {"url": "s3://copies/lab", "endpoint_url": "https://s3.example.net:9000"},
}
KEYS = {"barman_s3_access_key": "the access key", "barman_s3_secret_key": "the secret key"}
STATE = "/var/lib/barman/.pgdr.barman/hooks"


def options(found):
    (entry,) = found.requirements["backup"]["barman"]["servers"]
    return entry["options"]


def hooks(found):
    return found.requirements["backup"]["barman"]["hooks"]


def test_without_hooks_nothing_is_asked_for():
    required = hooks(good())
    assert required["needed"] is False
    assert required["ready"] == required["scripts"] == required["credentials"] == []
    assert not set(HOOKS) & set(options(good()))


def test_barman_has_twenty_hooks():
    assert len(HOOKS) == 20
    found = good({"barman_hooks": dict.fromkeys(HOOKS, "/srv/hook")})
    assert set(HOOKS) <= set(options(found))


def test_a_path_is_a_command_that_is_there():
    found = good({"barman_hooks": {"pre_backup_script": "/srv/hook"}})
    assert shlex.split(options(found)["pre_backup_script"]) == [
        *("/usr/local/lib/pgdr.barman/run-hook", "--state", STATE),
        *("--attempts", "1", "--pause", "5", "--timeout", "3600", "--", "/srv/hook"),
    ]
    assert hooks(found)["needed"] is True
    assert hooks(found)["scripts"] == []


def test_a_retry_hook_always_has_an_end():
    found = good({"barman_hooks": {"pre_delete_retry_script": {"command": "/srv/hook", "give_up": "continue"}}})
    words = shlex.split(options(found)["pre_delete_retry_script"])
    assert words[words.index("--attempts") + 1] == "3"
    assert words[words.index("--timeout") + 1] == "3600"
    assert words[words.index("--give-up") + 1] == "continue"


def test_words_reach_the_script_as_they_are():
    words = ["it's 100 %", "$HOME", "a b", "--", "2"]
    found = good({"barman_hooks": {"pre_backup_script": {"command": "/srv/hook", "arguments": words}}})
    assert shlex.split(options(found)["pre_backup_script"])[-5:] == words


def test_scripts_are_deployed_under_the_name_of_the_server_and_the_hook():
    found = good(
        {
            "barman_server_name": "orders",
            "barman_hooks": {
                "pre_backup_script": {"source": "/srv/inventory/hooks/announce.sh", "arguments": [1]},
                "post_delete_script": {"content": "#!/bin/sh\ntrue\n"},
            },
        },
        {"barman_hook_directory": "/opt/hooks", "barman_home": "/srv/barman"},
    )
    words = shlex.split(options(found)["pre_backup_script"])
    assert words[0] == "/opt/hooks/run-hook"
    assert words[2] == "/srv/barman/.pgdr.barman/hooks"
    assert words[-2:] == ["/opt/hooks/orders.pre_backup_script", "1"]
    assert hooks(found)["directory"] == "/opt/hooks"
    assert sorted(hooks(found)["scripts"], key=str) == [
        {"name": "orders.post_delete_script", "host": "pg", "content": "#!/bin/sh\ntrue\n"},
        {"name": "orders.pre_backup_script", "host": "pg", "source": "/srv/inventory/hooks/announce.sh"},
    ]


def test_hooks_of_a_backup_server_are_global():
    found = good(None, {"barman_hooks": {"pre_backup_script": {"source": "/srv/a.sh"}}})
    words = shlex.split(found.requirements["backup"]["barman"]["global_options"]["pre_backup_script"])
    assert words[-1] == "/usr/local/lib/pgdr.barman/all.pre_backup_script"
    assert "pre_backup_script" not in options(found)
    assert hooks(found)["scripts"] == [{"name": "all.pre_backup_script", "host": "backup", "source": "/srv/a.sh"}]


def test_a_server_without_hooks_beside_one_with():
    found = good(
        {"barman_hooks": {"pre_backup_script": {"source": "/srv/a.sh"}}},
        more_pg={"other": pg("198.51.100.22")},
    )
    entries = {entry["name"]: entry["options"] for entry in found.requirements["backup"]["barman"]["servers"]}
    assert "pre_backup_script" in entries["pg"]
    assert "pre_backup_script" not in entries["other"]


def test_tar():
    found = good(
        {
            "barman_hooks": {
                "post_backup_script": {"ready": "tar", "directory": "/mnt/a b", "compression": "gzip", "mounted": True}
            }
        }
    )
    words = shlex.split(options(found)["post_backup_script"])
    assert words[words.index("--") + 1 :] == [
        *("/usr/local/lib/pgdr.barman/export", "tar", "--directory", "/mnt/a b", "--mounted", "--compression", "gzip"),
    ]
    assert words[words.index("--timeout") + 1] == "86400"
    assert hooks(found)["ready"] == ["tar"]


def test_s3():
    found = good({**S3, **KEYS})
    words = shlex.split(options(found)["pre_archive_retry_script"])
    assert words[words.index("--") + 1 :] == [
        *(
            "/usr/local/lib/pgdr.barman/export",
            "s3",
            "--url",
            "s3://copies/lab",
            "--compression",
            "none",
            "--jobs",
            "2",
        ),
        *("--endpoint-url", "https://s3.example.net:9000", "--profile", "barman-pg"),
        *("--credentials", "/var/lib/barman/.pgdr.barman/credentials/barman-pg"),
    ]
    # A segment that hangs holds up all those behind it.
    assert words[words.index("--timeout") + 1] == "300"
    assert hooks(found)["credentials"] == [{"profile": "barman-pg", "host": "pg"}]


def test_s3_without_keys_uses_the_machine_s_own():
    found = good(S3)
    assert "--profile" not in options(found)["pre_archive_retry_script"]
    assert hooks(found)["credentials"] == []


def test_no_key_is_in_the_outcome():
    found = good({**S3, **KEYS})
    shown = json.dumps([found.topology, found.requirements, found.warnings])
    assert not any(secret in shown for secret in KEYS.values())


def test_half_of_s3_here_and_half_for_all():
    bucket = {"barman_s3": S3["barman_s3"]}
    good(
        {"barman_hooks": {"post_backup_script": {"ready": "s3"}}, **bucket},
        {"barman_hooks": {"pre_archive_retry_script": {"ready": "s3"}}, **bucket},
    )


MISTAKES = [
    ([], "barman_hooks", "is not a dictionary", "write it as"),
    ({"post_bakup_script": "/x"}, "barman_hooks", "'post_bakup_script', which is not a hook", "post_backup_script?"),
    (
        {"pre_backup_script": "hook.sh"},
        "barman_hooks.pre_backup_script.command",
        "not an absolute path",
        "the backup server",
    ),
    ({"pre_backup_script": "/srv/hook now"}, "barman_hooks.pre_backup_script.command", "more than a path", "arguments"),
    (
        {"pre_backup_script": {"source": "a.sh"}},
        "barman_hooks.pre_backup_script.source",
        "not an absolute path",
        "inventory_dir",
    ),
    (
        {"pre_backup_script": {"content": "true"}},
        "barman_hooks.pre_backup_script.content",
        "names its interpreter",
        "#!/bin/sh",
    ),
    ({"pre_backup_script": 5}, "barman_hooks.pre_backup_script", "neither a path nor a dictionary", "write the path"),
    ({"pre_backup_script": {}}, "barman_hooks.pre_backup_script", "has no program to run", "ready"),
    (
        {"pre_backup_script": {"command": "/x", "content": "#!/y"}},
        "barman_hooks.pre_backup_script",
        "has content and command",
        "one of",
    ),
    (
        {"pre_backup_script": {"command": "/x", "atempts": 2}},
        "barman_hooks.pre_backup_script",
        "'atempts'",
        "attempts?",
    ),
    (
        {"pre_backup_script": {"command": "/x", "attempts": 0}},
        "barman_hooks.pre_backup_script.attempts",
        "0",
        "write one",
    ),
    (
        {"pre_backup_script": {"command": "/x", "timeout": "1h"}},
        "barman_hooks.pre_backup_script.timeout",
        "'1h'",
        "write one",
    ),
    (
        {"pre_backup_script": {"command": "/x", "give_up": "stop"}},
        "barman_hooks.pre_backup_script.give_up",
        "for a retry hook",
        "remove it",
    ),
    (
        {"pre_backup_retry_script": {"command": "/x", "give_up": "never"}},
        "barman_hooks.pre_backup_retry_script.give_up",
        "not one of stop, continue",
        "write one",
    ),
    (
        {"pre_backup_script": {"command": "/x", "arguments": "-v"}},
        "barman_hooks.pre_backup_script.arguments",
        "not a list",
        "[-",
    ),
    (
        {"post_backup_script": {"ready": "tape"}},
        "barman_hooks.post_backup_script.ready",
        "'tape' is not one of the ready hooks",
        "tar, s3 or notify",
    ),
    (
        {"post_backup_script": {"ready": "tar"}},
        "barman_hooks.post_backup_script",
        "neither a directory nor a device",
        "device",
    ),
    (
        {"post_backup_script": {"ready": "tar", "directory": "/a", "device": "/dev/st0"}},
        "barman_hooks.post_backup_script",
        "both a directory and a device",
        "write",
    ),
    (
        {"post_backup_script": {"ready": "tar", "device": "/dev/st0", "mounted": True}},
        "barman_hooks.post_backup_script.mounted",
        "for a directory",
        "remove it",
    ),
    (
        {"pre_backup_script": {"ready": "tar", "directory": "/a"}},
        "barman_hooks.pre_backup_script.ready",
        "can't be made from this hook",
        "post_backup_script",
    ),
    (
        {"post_delete_script": {"ready": "s3"}},
        "barman_hooks.post_delete_script.ready",
        "can't be exported from this hook",
        "pre_archive_retry_script",
    ),
]


@pytest.mark.parametrize(("value", "variable", "message", "instead"), MISTAKES)
def test_mistakes_of_one_hook(value, variable, message, instead):
    found = only_problem({"barman_hooks": value})
    assert found.variable == variable
    assert message in found.message
    assert instead in found.instead


def test_every_mistake_is_reported():
    found = problems({"barman_hooks": {"pre_bakup_script": "/x", "pre_delete_script": {"attempts": 0, "command": "x"}}})
    assert [problem.variable for problem in found] == [
        "barman_hooks",
        "barman_hooks.pre_delete_script.attempts",
        "barman_hooks.pre_delete_script.command",
    ]


def test_an_unreadable_hook_is_reported_once():
    assert only_problem({"barman_hooks": Unreadable("no such lookup")}).variable == "barman_hooks"


@pytest.mark.parametrize(
    ("bucket", "variable"),
    [
        ("s3://copies", "barman_s3"),
        ({}, "barman_s3.url"),
        ({"url": "https://copies"}, "barman_s3.url"),
        ({"url": "s3://copies", "endpoint_url": "s3.example.net"}, "barman_s3.endpoint_url"),
        ({"url": "s3://copies", "endpoint_url": "https://me:secret@s3.example.net"}, "barman_s3.endpoint_url"),
        ({"url": "s3://copies", "compression": "zip"}, "barman_s3.compression"),
        ({"url": "s3://copies", "encryption": "gpg"}, "barman_s3.encryption"),
        ({"url": "s3://copies", "jobs": True}, "barman_s3.jobs"),
        ({"url": "s3://copies", "bucket": "x"}, "barman_s3"),
    ],
)
def test_mistakes_of_the_bucket(bucket, variable):
    assert only_problem({**S3, "barman_s3": bucket}).variable == variable


def test_s3_needs_a_bucket():
    found = only_problem({**S3, "barman_s3": None})
    assert (found.variable, found.host) == ("barman_s3", "pg")


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_one_key_without_the_other(missing):
    assert only_problem({**S3, **KEYS, missing: None}).variable == missing


@pytest.mark.parametrize(
    ("hook", "missing"),
    [
        ("pre_archive_retry_script", "post_backup_retry_script"),
        ("post_backup_script", "pre_archive_retry_script"),
    ],
)
def test_half_of_s3_is_nothing(hook, missing):
    found = only_problem({**S3, "barman_hooks": {hook: {"ready": "s3"}}})
    assert "s3 would not have" in found.message
    assert missing in found.instead


def test_wal_that_the_bucket_does_not_have_must_not_be_archived():
    found = only_problem(
        {**S3, "barman_hooks": {"pre_archive_script": {"ready": "s3"}, "post_backup_script": {"ready": "s3"}}}
    )
    assert found.variable == "barman_hooks.pre_archive_script"
    assert "pre_archive_retry_script" in found.instead


def test_the_same_hook_twice():
    found = only_problem({"barman_hooks": {"pre_backup_script": "/x"}, "barman_options": {"pre_backup_script": "/y"}})
    assert found.variable == "barman_options.pre_backup_script"
    found = only_problem(
        None, {"barman_hooks": {"pre_backup_script": "/x"}, "barman_global_options": {"pre_backup_script": "/y"}}
    )
    assert (found.host, found.variable) == ("backup", "barman_global_options.pre_backup_script")


def test_a_retry_hook_without_a_guard_is_reported():
    (warning,) = good({"barman_options": {"pre_delete_retry_script": "/x"}}).warnings
    assert "barman_options.pre_delete_retry_script" in warning
    assert "for ever" in warning
    assert good({"barman_options": {"pre_delete_script": "/x"}}).warnings == []


def test_what_cannot_be_exported():
    tar = {"barman_hooks": {"post_backup_script": {"ready": "tar", "directory": "/mnt"}}}
    encrypted = {"encryption": "gpg", "encryption_key_id": "x", "encryption_passphrase_command": "cat /x"}
    found = problems({**tar, "barman_options": encrypted})
    assert [problem.message for problem in found if "unencrypted" in problem.message]
    assert "restored" in only_problem({**S3, "barman_options": {"backup_compression": "gzip"}}).message
    assert problems({**tar, "barman_options": {"backup_compression": "gzip"}}) == []


def test_hooks_of_a_passive_node_are_those_of_its_own_backup_server():
    found = good(
        {"barman_hooks": {"pre_backup_script": "/x"}, "barman_passive_servers": ["second"]},
        more_backup={"second": {"ansible_host": "198.51.100.12"}},
    )
    (entry,) = found.requirements["second"]["barman"]["servers"]
    assert "pre_backup_script" not in entry["options"]
    assert found.requirements["second"]["barman"]["hooks"]["needed"] is False
