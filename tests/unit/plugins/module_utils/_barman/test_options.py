# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import configparser
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman import option_table
from ansible_collections.pgdr.barman.plugins.module_utils._barman.option_combinations import combination, without_effect
from ansible_collections.pgdr.barman.plugins.module_utils._barman.option_table import GLOBAL, MODEL, OPTIONS, SERVER
from ansible_collections.pgdr.barman.plugins.module_utils._barman.options import (
    deprecated,
    names,
    parse_retention,
    render_value,
    validate,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.versions import (
    NEWEST,
    OLDEST,
    format_version,
    parse_version,
)

# Barman's own patterns, so that what is accepted here is what it understands.
INTERVAL = re.compile(r"^\s*(\d+)\s+(day|month|week|hour)s?\s*$", re.IGNORECASE)


def only(problems):
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


# --- which version has what -------------------------------------------------------------------------------------------


def test_the_numbers_of_options_are_those_of_the_releases():
    """Counted in the releases themselves."""
    assert len(names(SERVER, (3, 4, 0))) == 79
    assert len(names(SERVER, (3, 19, 1))) == 121
    assert len(names(SERVER, (3, 20, 1))) == 122
    assert len(names(GLOBAL, (3, 4, 0))) == 63 + 6


@pytest.mark.parametrize(
    ("option", "before", "since"),
    [
        ("parallel_jobs_start_batch_size", (3, 4, 1), (3, 5, 0)),
        ("azure_credential", (3, 5, 0), (3, 6, 0)),
        ("autogenerate_manifest", (3, 6, 0), (3, 7, 0)),
        ("primary_checkpoint_timeout", (3, 7, 0), (3, 8, 0)),
        ("wal_streaming_conninfo", (3, 9, 0), (3, 10, 0)),
        ("keepalive_interval", (3, 10, 1), (3, 11, 0)),
        ("aws_snapshot_lock_mode", (3, 11, 1), (3, 12, 0)),
        ("xlogdb_directory", (3, 12, 1), (3, 13, 0)),
        ("worm_mode", (3, 13, 1), (3, 13, 2)),
        ("encryption", (3, 13, 3), (3, 14, 0)),
        ("staging_path", (3, 14, 1), (3, 15, 0)),
        ("combine_mode", (3, 15, 0), (3, 16, 0)),
        ("aws_encryption", (3, 17, 0), (3, 18, 0)),
        ("cloud_wal_archive_parallel", (3, 18, 0), (3, 19, 0)),
        ("aws_sse_customer_key", (3, 19, 1), (3, 20, 1)),
    ],
)
def test_an_option_is_refused_before_the_version_that_brought_it(option, before, since):
    value = {"autogenerate_manifest": "on", "worm_mode": "on", "aws_snapshot_lock_mode": "governance"}
    value |= {"azure_credential": "managed-identity"}
    value |= {"encryption": "none", "staging_path": "/tmp", "combine_mode": "copy", "aws_encryption": "AES256"}
    given_value = value.get(option, "3")
    problem = only(validate({option: given_value}, before))
    assert f"is new in Barman {format_version(OPTIONS[option].since)}" in problem.message
    assert f"this is Barman {format_version(before)}" in problem.message
    assert validate({option: given_value}, since) == []


@pytest.mark.parametrize(
    ("option", "value", "before", "since"),
    [
        ("compression", "zstd", (3, 11, 1), (3, 12, 0)),
        ("compression", "snappy", (3, 13, 3), (3, 14, 0)),
        ("backup_compression", "none", (3, 8, 0), (3, 9, 0)),
        ("backup_method", "local-to-cloud", (3, 17, 0), (3, 18, 0)),
        ("recovery_options", "get-wal,delta-restore", (3, 15, 0), (3, 16, 0)),
        ("snapshot_provider", "azure", (3, 5, 0), (3, 6, 0)),
        ("snapshot_provider", "aws", (3, 6, 0), (3, 7, 0)),
    ],
)
def test_a_value_is_refused_before_the_version_that_brought_it(option, value, before, since):
    problem = only(validate({option: value}, before))
    assert f"since Barman {format_version(since)} only" in problem.message
    assert value.split(",")[-1] not in problem.instead.replace("write ", "").split(", ")
    assert validate({option: value}, since) == []


def test_without_a_version_the_newest_is_meant():
    assert validate({"aws_sse_customer_key": "x"}) == []


def test_an_unknown_option_is_reported_with_the_nearest_name():
    problem = only(validate({"retention_polcy": "REDUNDANCY 2"}))
    assert (problem.option, problem.instead) == ("retention_polcy", "did you mean retention_policy?")
    assert only(validate({"xyzzy": 1})).instead == "remove it"


def test_scopes():
    assert "belongs" not in only(validate({"barman_home": "/b"}, None, SERVER)).message
    assert "[barman] section only" in only(validate({"barman_home": "/b"}, None, SERVER)).message
    assert validate({"barman_home": "/b"}, None, GLOBAL) == []
    # Documented as global, but read from the server's section only.
    assert "is ignored by Barman" in only(validate({"keepalive_interval": 5}, None, GLOBAL)).message
    assert "cannot be set in a model" in only(validate({"backup_directory": "/b"}, None, MODEL)).message
    assert validate({"cluster": "main", "model": True, "conninfo": "host=a"}, None, MODEL) == []
    assert "makes a section a model" in only(validate({"model": True}, None, SERVER)).message
    assert "Barman's own mark" in only(validate({"disabled": True})).message


def test_none_leaves_an_option_to_its_default():
    assert validate({"compression": None, "check_timeout": None}) == []


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("archiver", True),
        ("archiver", "ON"),
        ("archiver", "t"),
        ("check_timeout", 30),
        ("check_timeout", "30"),
        ("parallel_jobs", 4),
        ("last_backup_maximum_age", "2 DAYS"),
        ("last_backup_maximum_age", "1 hour"),
        ("last_backup_maximum_age", ""),
        ("last_backup_minimum_size", "5 Gi"),
        ("last_backup_minimum_size", 1024),
        ("compression", "GZIP"),
        ("compression", "None"),
        ("compression_level", -3),
        ("compression_level", "high"),
        ("backup_compression_level", -5),
        ("reuse_backup", "off"),
        ("reuse_backup", False),
        ("retention_policy", "recovery window of 2 weeks"),
        ("retention_policy", "REDUNDANCY 2"),
        ("retention_policy", ""),
        ("snapshot_disks", ["a", "b"]),
        ("snapshot_disks", "a,b"),
        ("backup_options", ["concurrent_backup", "external_configuration"]),
        ("backup_options", ""),
        ("recovery_options", "get-wal"),
        ("tablespace_bandwidth_limit", {"tbs1": 4000}),
        ("tablespace_bandwidth_limit", "tbs1:4000 tbs2:10"),
        ("basebackups_directory", "s3://bucket/prefix"),
        ("basebackups_directory", "https://account.blob.core.windows.net/container"),
        ("staging_path", "/var/tmp"),
        ("slot_name", "barman_1"),
        ("aws_snapshot_lock_expiration_date", "2030-01-01T00:00:00.000Z"),
        ("conninfo", "host=pg user=barman"),
    ],
)
def test_values_that_barman_understands(option, value):
    assert [str(problem) for problem in validate({option: value})] == []


@pytest.mark.parametrize(
    ("option", "value", "advice"),
    [
        ("archiver", "maybe", "true or false"),
        ("archiver", 2, "true or false"),
        ("check_timeout", "30s", "a whole number, 0 or more"),
        ("check_timeout", 1.5, "a whole number, 0 or more"),
        ("check_timeout", True, "a whole number, 0 or more"),
        ("check_timeout", "", "a whole number, 0 or more"),
        ("parallel_jobs", 0, "a whole number, 1 or more"),
        ("aws_snapshot_lock_duration", 40000, "a whole number from 1 to 36500"),
        ("last_backup_maximum_age", "2 years", "hours, days, weeks or months"),
        ("last_backup_maximum_age", "2d", "as 2 DAYS"),
        ("last_backup_minimum_size", "5 GB", "as 5Gi"),
        ("last_backup_minimum_size", True, "as 5Gi"),
        ("compression", "lzma", "gzip, pigz"),
        ("compression_level", "best", "low, medium, high"),
        ("backup_compression", "bzip2", "gzip, lz4, zstd or none"),
        ("backup_method", "pg_basebackup", "rsync, postgres"),
        ("reuse_backup", True, "copy, link or off"),
        ("retention_policy", "KEEP 2", "REDUNDANCY 3"),
        ("retention_policy_mode", "manual", "write auto"),
        ("snapshot_disks", "a,,b", "a list of names"),
        ("snapshot_disks", [], "a list of names"),
        ("backup_options", "concurrent_backup,exclusive_backup", "one of them"),
        ("backup_options", "fast", "concurrent_backup"),
        ("tablespace_bandwidth_limit", "tbs1", "a dictionary of tablespace"),
        ("tablespace_bandwidth_limit", {"tbs1": "fast"}, "a dictionary of tablespace"),
        ("basebackups_directory", "ftp://host/path", "s3://"),
        ("staging_path", "tmp", "an absolute path"),
        ("slot_name", "Barman", "lower case"),
        ("aws_encryption", "aes256", "AES256"),
        ("aws_snapshot_lock_expiration_date", "2030-01-01", "2030-12-31T"),
        ("description", True, "a text"),
        ("description", ["a"], "write one value"),
        ("description", {"a": 1}, "write one value"),
        ("description", "two\nlines", "one line"),
        ("minimum_redundancy", "two", "a whole number"),
    ],
)
def test_values_that_barman_does_not_understand(option, value, advice):
    problem = only(validate({option: value}))
    assert problem.option == option
    assert advice in problem.instead


def test_what_is_deprecated_is_not_advised():
    assert only(validate({"compression": "foo"})).instead == "write gzip, pigz, bzip2, xz, zstd, lz4 or snappy"
    assert "pygzip" in only(validate({"compression": "foo"}, (3, 13, 3))).instead


def test_a_silent_replacement_is_reported_if_there_is_one():
    assert "Barman would use its default" in only(validate({"compression": "foo"})).message
    assert "Barman would use its default" in only(validate({"check_timeout": "soon"})).message
    assert "default" not in only(validate({"parallel_jobs": 0})).message


@pytest.mark.parametrize("option", sorted(option_table.SECRET_OPTIONS))
def test_a_value_that_may_be_a_secret_is_not_repeated(option):
    for value in ("hidden\nhidden", ["hidden"], True):
        assert "hidden" not in str(validate({option: value}))


def test_several_problems_come_in_the_order_of_the_names():
    found = validate({"slot_name": "X", "archiver": "maybe", "nonsense": 1})
    assert [problem.option for problem in found] == ["archiver", "nonsense", "slot_name"]


def test_a_problem_reads_as_a_sentence():
    assert str(only(validate({"reuse_backup": "links"}))) == (
        "reuse_backup: cannot be 'links': Barman would use its default instead; write copy, link or off"
    )


@given(st.text(max_size=20))
def test_intervals_are_those_of_barman(text):
    if "\n" in text or "\r" in text or "\0" in text or text in ("", "None"):
        return
    assert (validate({"last_wal_maximum_age": text}) == []) == bool(INTERVAL.match(text))


@given(
    st.dictionaries(
        st.text(max_size=12) | st.sampled_from(sorted(OPTIONS)),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=12)
        | st.lists(st.text(max_size=5), max_size=3)
        | st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
        max_size=5,
    ),
    st.sampled_from([None, OLDEST, (3, 13, 3), NEWEST]),
    st.sampled_from([SERVER, GLOBAL, MODEL]),
)
def test_no_input_breaks_the_checks(section, version, scope):
    for problem in validate(section, version, scope):
        assert problem.message
    combination(section, version, 17)
    deprecated(section, version, scope)


# --- deprecations -----------------------------------------------------------------------------------------------------


def test_a_deprecated_option_is_reported_and_not_refused():
    section = {"snapshot_zone": "z", "recovery_staging_path": "/s", "compression": "custom"}
    assert validate(section) == []
    assert [problem.option for problem in deprecated(section)] == [
        "recovery_staging_path",
        "snapshot_zone",
        "compression",
    ]
    assert deprecated({"recovery_staging_path": "/s", "compression": "pygzip"}, (3, 13, 3)) == []
    assert deprecated({"compression": "gzip"}) == []


# --- combinations -----------------------------------------------------------------------------------------------------


ENCRYPTED = {
    "backup_method": "postgres",
    "encryption": "gpg",
    "encryption_key_id": "k",
    "encryption_passphrase_command": "cat /x",
    "backup_compression": "gzip",
    "backup_compression_format": "tar",
}


@pytest.mark.parametrize(
    ("section", "blamed"),
    [
        ({"backup_method": "postgres", "reuse_backup": "link"}, "reuse_backup"),
        ({"backup_method": "postgres", "tablespace_bandwidth_limit": "a:1"}, "tablespace_bandwidth_limit"),
        ({"backup_method": "postgres", "network_compression": "on"}, "network_compression"),
        ({"backup_method": "postgres", "parallel_jobs": 2}, "parallel_jobs"),
        ({"backup_method": "rsync", "backup_compression": "gzip"}, "backup_compression"),
        ({"backup_method": "postgres", "backup_compression_level": 3}, "backup_compression_level"),
        (
            {"backup_method": "postgres", "backup_compression": "gzip", "backup_compression_level": 20},
            "backup_compression_level",
        ),
        (
            {"backup_method": "postgres", "backup_compression": "gzip", "backup_compression_workers": 2},
            "backup_compression_workers",
        ),
        (
            {"backup_method": "postgres", "backup_compression": "gzip", "backup_compression_format": "plain"},
            "backup_compression_format",
        ),
        ({**ENCRYPTED, "encryption_key_id": None}, "encryption_key_id"),
        ({**ENCRYPTED, "encryption_passphrase_command": None}, "encryption_passphrase_command"),
        ({**ENCRYPTED, "backup_compression_format": None}, "backup_compression_format"),
        ({**ENCRYPTED, "backup_method": "rsync", "backup_compression": None}, "encryption"),
        ({"aws_sse_customer_key": "k", "aws_encryption": "AES256"}, "aws_sse_customer_key"),
    ],
)
def test_combinations_that_barman_refuses_or_ignores(section, blamed):
    assert only(combination(section)).option == blamed


def test_encryption_needs_compressed_backups():
    missing = {**ENCRYPTED, "backup_compression": None, "backup_compression_format": None}
    assert [one.option for one in combination(missing)] == ["backup_compression", "backup_compression_format"]
    assert combination({**missing, "primary_ssh_command": "ssh backup"}) == []


def test_combinations_that_are_fine():
    assert combination(ENCRYPTED) == []
    assert combination({"backup_method": "rsync", "reuse_backup": "link", "parallel_jobs": 4}) == []
    assert combination({"backup_method": "postgres", "parallel_jobs": 1, "reuse_backup": "off"}) == []
    zstd = {"backup_method": "postgres", "backup_compression": "zstd", "backup_compression_workers": 2}
    assert combination(zstd, None, 17) == []


def test_compression_on_the_server_needs_postgresql_15():
    section = {"backup_method": "postgres", "backup_compression": "gzip", "backup_compression_location": "server"}
    assert only(combination(section, None, 14)).option == "backup_compression_location"
    assert combination(section, None, 15) == []


SNAPSHOT = {
    "backup_method": "snapshot",
    "snapshot_instance": "i",
    "snapshot_disks": "d",
    "ssh_command": "ssh postgres@pg",
}
AWS = {**SNAPSHOT, "snapshot_provider": "aws"}
AZURE = {**SNAPSHOT, "snapshot_provider": "azure", "azure_subscription_id": "s", "azure_resource_group": "g"}
GCP = {**SNAPSHOT, "snapshot_provider": "gcp", "gcp_project": "p", "gcp_zone": "z"}


def test_snapshots_need_their_provider():
    missing = [problem.option for problem in combination({"backup_method": "snapshot"})]
    assert missing == ["snapshot_provider", "snapshot_instance", "snapshot_disks", "ssh_command"]


@pytest.mark.parametrize("section", [AWS, AZURE, GCP])
def test_snapshots_of_each_provider(section):
    assert validate(section) == combination(section) == without_effect(section, section) == []


@pytest.mark.parametrize(
    ("section", "needed"),
    [
        (AZURE, "azure_subscription_id"),
        (AZURE, "azure_resource_group"),
        (GCP, "gcp_project"),
        (GCP, "gcp_zone"),
        (AWS, "ssh_command"),
    ],
)
def test_what_a_provider_cannot_do_without(section, needed):
    assert only(combination({**section, needed: None})).option == needed


def test_the_older_names_of_googles_options_do_as_well_but_not_both():
    older = {**SNAPSHOT, "snapshot_provider": "gcp", "snapshot_gcp_project": "p", "snapshot_zone": "z"}
    assert combination(older) == []
    assert only(combination({**older, "gcp_zone": "y"})).option == "snapshot_zone"


@pytest.mark.parametrize(
    ("lock", "blamed"),
    [
        ({"mode": "governance"}, "mode"),
        ({"mode": "governance", "duration": 1, "expiration_date": "2030-01-01T00:00:00.000Z"}, "mode"),
        ({"mode": "governance", "duration": 1, "cool_off_period": 3}, "cool_off_period"),
        ({"duration": 1}, "duration"),
        ({"mode": "compliance", "duration": 1, "cool_off_period": 3}, None),
    ],
)
def test_locks_of_snapshots(lock, blamed):
    found = combination({**AWS, **{f"aws_snapshot_lock_{name}": value for name, value in lock.items()}})
    assert [problem.option for problem in found] == ([f"aws_snapshot_lock_{blamed}"] if blamed else [])


@pytest.mark.parametrize(
    ("section", "foreign"),
    [
        (AWS, "gcp_zone"),
        (AWS, "azure_credential"),
        (GCP, "aws_region"),
        (AZURE, "aws_await_snapshots_timeout"),
        ({"backup_method": "rsync"}, "aws_region"),
        ({"backup_method": "postgres"}, "snapshot_instance"),
    ],
)
def test_options_of_snapshots_that_are_not_taken(section, foreign):
    own = {**section, foreign: "x"}
    problem = only(without_effect(own, own))
    assert problem.option == foreign
    assert "and this is" in problem.message
    # The [barman] section may have it for other servers.
    assert without_effect(section, own) == []


def test_options_of_a_provider_whose_object_storage_is_used_too():
    own = {**GCP, "aws_region": "eu-central-1", "wals_directory": "s3://bucket/wals"}
    assert without_effect(own, own) == []


def test_azure_credentials_by_version():
    assert validate({"azure_credential": "managed-identity"}, (3, 6, 0)) == []
    assert "since Barman 3.13 only" in only(validate({"azure_credential": "default"}, (3, 12, 1))).message
    assert validate({"azure_credential": "default"}, (3, 13, 0)) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("snapshot_provider", "AWS"), ("azure_credential", "Default"), ("aws_snapshot_lock_mode", "Governance")],
)
def test_values_that_barman_compares_letter_by_letter(option, value):
    assert value.lower() in only(validate({option: value})).instead


# --- writing ----------------------------------------------------------------------------------------------------------


def read_back(text):
    """What Barman reads from a file with that value."""
    parser = configparser.ConfigParser(strict=False)
    parser.read_string(f"[main]\nx = {text}\n")
    value = parser.get("main", "x")
    return re.sub(r"""^(["'])(.*)\1$""", lambda match: match.group(2), value)


@pytest.mark.parametrize(
    ("option", "value", "written"),
    [
        ("archiver", True, "on"),
        ("archiver", False, "off"),
        ("create_slot", True, "auto"),
        ("check_timeout", 30, "30"),
        ("snapshot_disks", ["a", "b"], "a,b"),
        ("backup_options", ["concurrent_backup"], "concurrent_backup"),
        ("tablespace_bandwidth_limit", {"a": 1, "b": 2}, "a:1 b:2"),
        ("tablespace_bandwidth_limit", ["a:1", "b:2"], "a:1 b:2"),
        ("conninfo", "password=50%", "password=50%%"),
        ("description", " padded ", '" padded "'),
        ("description", "'quoted'", "\"'quoted'\""),
        ("description", None, "None"),
    ],
)
def test_values_are_written_as_barman_reads_them(option, value, written):
    assert render_value(option, value) == written


@given(st.text(alphabet=st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_every_text_in_one_line_is_read_back_as_it_was(text):
    if any(mark in text for mark in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
        return  # read_string splits at these, reading a file does not
    assert read_back(render_value("description", text)) == text


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", ["a", "b\nc"], {"a\nb": 1}])
def test_a_line_break_is_never_written(value):
    with pytest.raises(ValueError, match="line break"):
        render_value("description", value)


# --- small things -----------------------------------------------------------------------------------------------------


def test_retention_policies():
    assert parse_retention("redundancy 3") == (3, None)
    assert parse_retention(" RECOVERY  WINDOW OF 2 MONTHS ") == (None, 62)
    assert parse_retention("RECOVERY WINDOW OF 2 YEARS") is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.13.3", (3, 13, 3)),
        ("3.4", (3, 4, 0)),
        ("3.20.1 Barman by EnterpriseDB (www.enterprisedb.com)", (3, 20, 1)),
        ("barman 3.14.0", (3, 14, 0)),
        ("3.15.0-1.pgdg12+1", (3, 15, 0)),
        ("three", None),
        ("", None),
    ],
)
def test_versions_are_read(text, version):
    assert parse_version(text) == version


def test_versions_are_written():
    assert format_version((3, 13, 3)) == "3.13.3"
    assert format_version((3, 14, 0)) == "3.14"
