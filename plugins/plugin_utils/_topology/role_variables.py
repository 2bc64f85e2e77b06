# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the table of variables that only the roles read. A host's requirements have the values.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from .kinds import (
    BACKUP,
    BOOLEAN,
    BOTH,
    OPTIONAL_PATH,
    PG,
    ROLE_NAME,
    SECRET_DICTIONARY,
    TEXT,
    WHOLE_NUMBER,
    Variable,
    list_of,
    one_of,
)

#: The checks that ask for backups, and hook scripts: what a hook missed, the next backup does.
_NEW_SERVER_CHECKS = (
    "backup present",
    "minimum redundancy requirements",
    "backup maximum age",
    "backup minimum size",
    "wal maximum age",
    "hook scripts",
)

ROLE_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "barman_package_source",
        BOTH,
        one_of(("distribution", "pgdg")),
        "distribution",
        "The source of PostgreSQL's and Barman's packages: the distribution, or the PostgreSQL project. On Debian, pgdg adds the project's repository.",
    ),
    Variable(
        "barman_install_postgres",
        PG,
        BOOLEAN,
        value=False,
        meaning="Install PostgreSQL of barman_postgres_version, on Debian and its relatives, if /etc/postgresql has no cluster.",
    ),
    Variable(
        "barman_postgres_packages",
        PG,
        list_of(TEXT, "rsync"),
        (),
        "Packages beside PostgreSQL itself: psycopg 3 or 2, rsync, and what unpacks compressed backups.",
        default="by the operating system's family",
    ),
    Variable(
        "barman_postgres_cluster",
        PG,
        TEXT,
        "",
        "The name of the cluster on barman_postgres_port on Debian. If another cluster has the port, the role refuses to restart it.",
    ),
    Variable(
        "barman_postgres_service",
        PG,
        TEXT,
        "",
        "The systemd unit that runs the PostgreSQL server on barman_postgres_port.",
        default="the unit of the server's process",
    ),
    Variable(
        "barman_restart_allowed",
        PG,
        BOOLEAN,
        value=False,
        meaning="Restart PostgreSQL if a setting needs it. If false, the role writes the setting, and the run fails with a list of the settings that "
        "need a restart.",
    ),
    Variable(
        "barman_listen_addresses",
        PG,
        TEXT,
        "*",
        "What listen_addresses becomes if PostgreSQL listens only to its own machine.",
    ),
    Variable(
        "barman_postgres_superuser",
        PG,
        ROLE_NAME,
        "postgres",
        "The database role that Ansible connects as.",
    ),
    Variable(
        "barman_postgres_socket_directory",
        PG,
        OPTIONAL_PATH,
        "",
        "The directory of PostgreSQL's socket.",
        default="libpq's own",
    ),
    Variable(
        "barman_archive_overwrite",
        PG,
        BOOLEAN,
        value=False,
        meaning="Replace an archive_command or archive_library that somebody else set, if WAL is to be archived to Barman.",
    ),
    Variable(
        "barman_roles_overwrite",
        PG,
        BOOLEAN,
        value=False,
        meaning="Remove SUPERUSER, CREATEDB, CREATEROLE and BYPASSRLS from database roles that somebody else created.",
    ),
    Variable(
        "barman_manual_file",
        PG,
        TEXT,
        "",
        "A file on the controller for the manual steps of a server with barman_manage_postgres false.",
    ),
    Variable(
        "barman_deploy_archive_timeout",
        PG,
        WHOLE_NUMBER,
        120,
        "How many seconds pgdr.barman.deploy waits until a WAL segment is archived.",
    ),
    Variable(
        "barman_deploy_synchronous_timeout",
        PG,
        WHOLE_NUMBER,
        60,
        "How many seconds pgdr.barman.deploy waits until a synchronous receiver confirms commits. After that, synchronous commit is disabled.",
    ),
    Variable(
        "barman_backup_packages",
        BACKUP,
        list_of(TEXT, "barman"),
        (),
        "Packages beside PostgreSQL's client tools: Barman, cron, psycopg 3, rsync, and what compresses.",
        default="by the operating system's family",
    ),
    Variable(
        "barman_client_packages",
        BACKUP,
        list_of(TEXT, "postgresql-client-17"),
        (),
        "Packages with PostgreSQL's client tools.",
        default="one for each major version that is backed up here",
    ),
    Variable(
        "barman_s3_packages",
        BACKUP,
        list_of(TEXT, "barman-cli-cloud"),
        (),
        "The packages that ready: s3 in barman_hooks needs.",
        default="[barman-cli-cloud, python3-boto3]",
    ),
    Variable(
        "barman_aws_credentials",
        BACKUP,
        SECRET_DICTIONARY,
        None,
        "Profiles of AWS for Barman, each with its settings. If a server is backed up with AWS, an empty dictionary "
        "removes what was written before. Keep it in a vault.",
        default="the machine's own role",
    ),
    Variable(
        "barman_google_credentials",
        BACKUP,
        SECRET_DICTIONARY,
        None,
        "The key of a service account of Google for Barman. If a server is backed up with Google, an empty dictionary "
        "removes what was written before. Keep it in a vault.",
        default="the machine's own account",
    ),
    Variable(
        "barman_cron_service",
        BACKUP,
        TEXT,
        "",
        "The systemd unit of cron.",
        default="cron on Debian, crond on Red Hat's family",
    ),
    Variable(
        "barman_prune",
        BACKUP,
        BOOLEAN,
        value=False,
        meaning="Remove the entries of servers that this collection wrote and that are not in the inventory. Their slots and backups stay.",
    ),
    Variable(
        "barman_adopt",
        BACKUP,
        BOOLEAN,
        value=False,
        meaning="Take over a server's configuration file that this collection did not write. A copy of it stays.",
    ),
    Variable(
        "barman_receiver_reset",
        BACKUP,
        one_of(("never", "when_needed")),
        "never",
        "Whether a WAL receiver that cannot continue starts again at PostgreSQL's current position.",
    ),
    Variable(
        "barman_deploy_receiver_timeout",
        BACKUP,
        WHOLE_NUMBER,
        120,
        "How many seconds pgdr.barman.deploy waits for the WAL receivers and the first archived WAL.",
    ),
    Variable(
        "barman_deploy_sync_timeout",
        BACKUP,
        WHOLE_NUMBER,
        3600,
        "How many seconds pgdr.barman.deploy waits for the backups and WAL of passive servers.",
    ),
    Variable(
        "barman_deploy_sync_max_lag",
        BACKUP,
        WHOLE_NUMBER,
        900,
        "The lag in seconds up to which pgdr.barman.deploy leaves a passive server to Barman's cron. It always waits for the first backup.",
    ),
    Variable(
        "barman_deploy_check_timeout",
        BACKUP,
        WHOLE_NUMBER,
        120,
        "How many seconds pgdr.barman.deploy waits until every check is green.",
    ),
    Variable(
        "barman_deploy_unreachable_timeout",
        BACKUP,
        WHOLE_NUMBER,
        20,
        "How many of these seconds pgdr.barman.deploy waits for a server that it cannot connect to.",
    ),
    Variable(
        "barman_deploy_check_ignore",
        BACKUP,
        list_of(TEXT, "backup present"),
        _NEW_SERVER_CHECKS,
        "Names of checks that may fail in pgdr.barman.deploy, as barman check prints them. A new server has no backup yet. pgdr.barman.check ignores none.",
    ),
)
