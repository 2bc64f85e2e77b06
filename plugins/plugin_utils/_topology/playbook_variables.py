# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the playbooks' own arguments and results.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping

#: The playbooks' own arguments. Some are similar to a variable's name, and are no misspelling of it.
PLAYBOOK_VARIABLES = frozenset(
    (
        "barman_backup_at_once",
        "barman_backup_bandwidth_limit",
        "barman_backup_immediate_checkpoint",
        "barman_backup_incremental",
        "barman_backup_jobs",
        "barman_backup_max_age",
        "barman_backup_name",
        "barman_backup_timeout",
        "barman_backup_wait_timeout",
        "barman_check_ignore",
        "barman_check_timeout",
        "barman_decommission_backup_server",
        "barman_decommission_backups",
        "barman_decommission_confirmation_timeout",
        "barman_decommission_confirmed",
        "barman_decommission_export_directory",
        "barman_decommission_last_backup",
        "barman_decommission_servers",
        "barman_decommission_timeout",
        "barman_drill_amcheck",
        "barman_drill_backup",
        "barman_drill_bandwidth_limit",
        "barman_drill_evidence",
        "barman_drill_host",
        "barman_drill_host_directory",
        "barman_drill_jobs",
        "barman_drill_phase_timeout",
        "barman_drill_priority",
        "barman_drill_target_immediate",
        "barman_drill_target_time",
        "barman_drill_timeout",
        "barman_drill_verify_backup",
        "barman_inventory_file",
        "barman_picture_file",
        "barman_picture_theme",
        "barman_picture_title",
        "barman_preflight_bytes",
        "barman_preflight_seconds",
        "barman_recover_aws_region",
        "barman_recover_azure_resource_group",
        "barman_recover_backup_id",
        "barman_recover_backup_server",
        "barman_recover_confirmation_timeout",
        "barman_recover_confirmed",
        "barman_recover_data_directory",
        "barman_recover_tablespaces",
        "barman_recover_wal_directory",
        "barman_recover_start_jobs",
        "barman_recover_directory",
        "barman_recover_gcp_zone",
        "barman_recover_host",
        "barman_recover_jobs",
        "barman_recover_new_backup",
        "barman_recover_queries",
        "barman_recover_replace_other",
        "barman_recover_replace_system",
        "barman_recover_report",
        "barman_recover_server",
        "barman_recover_service",
        "barman_recover_snapshot_instance",
        "barman_recover_staging_location",
        "barman_recover_staging_path",
        "barman_recover_take_over",
        "barman_recover_target_immediate",
        "barman_recover_target_inclusive",
        "barman_recover_target_lsn",
        "barman_recover_target_name",
        "barman_recover_target_time",
        "barman_recover_target_timeline",
        "barman_recover_target_xid",
        "barman_recover_timeout",
        "barman_recover_verify_backup",
        "barman_recover_verify_wal",
        "barman_repair_confirmation_timeout",
        "barman_repair_confirmed",
        "barman_repair_immediate_checkpoint",
        "barman_repair_timeout",
        "barman_repair_wait_timeout",
        "barman_report_file",
        "barman_report_host",
        "barman_report_mode",
        "barman_select",
        "barman_servers",
        "barman_sync_timeout",
        "barman_test_database",
        "barman_test_rows",
        "barman_test_timeout",
        "barman_verify_everything",
        "barman_verify_generate_manifests",
        "barman_verify_priority",
        "barman_verify_timeout",
    )
)
#: What the playbooks return with set_stats, by playbook. AWX sets it as a variable in the jobs that follow in a workflow, so nothing else has these names.
RESULTS: Mapping[str, str] = {
    playbook: f"barman_result_{playbook}"
    for playbook in (
        "backup",
        "check",
        "decommission",
        "deploy",
        "drill",
        "preflight",
        "recover",
        "repair",
        "report",
        "sync",
        "verify",
    )
}
#: The job templates in controller/ set it to their own name, by which a slice of a job is found.
JOB_TEMPLATE = "barman_job_template"
