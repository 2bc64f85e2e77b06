-- Copyright (c) 2026, pgdr.barman contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- One row that says how far this server is from what is required, so that a run that changes nothing asks only once.
--   settings: {name: {"minimum": …} or {"value": …}}; listen_addresses is enough when it names more than this machine itself
--   role, functions, memberships: the management role and what it needs
--   roles: the names of the roles that Barman logs in with
WITH required AS (
    SELECT key AS name, value ->> 'minimum' AS minimum, coalesce(value ->> 'minimum', value ->> 'value') AS desired
    FROM jsonb_each(%(settings)s::jsonb)
), in_files AS (
    -- The last one wins. A value that waits for a restart has an error too, and counts: it is what a restart brings.
    SELECT DISTINCT ON (name) name, setting
    FROM pg_catalog.pg_file_settings
    WHERE error IS NULL OR name IN (SELECT name FROM pg_catalog.pg_settings WHERE context = 'postmaster')
    ORDER BY name, seqno DESC
), altered AS (
    SELECT DISTINCT ON (name) name, setting
    FROM pg_catalog.pg_file_settings
    WHERE sourcefile LIKE '%%/postgresql.auto.conf'
    ORDER BY name, seqno DESC
), compared AS (
    SELECT required.name, required.desired, now.setting AS running, altered.setting AS altered, now.context = 'postmaster' AS needs_restart,
        now.context = 'sighup' AND now.source <> 'command line' AS needs_reload, now.source, now.sourcefile,
        short.running AS running_short, short.written AS written_short
    FROM required
    JOIN pg_catalog.pg_settings AS now USING (name)
    LEFT JOIN in_files USING (name)
    LEFT JOIN altered USING (name)
    CROSS JOIN LATERAL (
        SELECT bool_or(NOT enough) FILTER (WHERE kind = 'running') AS running,
            bool_or(NOT enough) FILTER (WHERE kind = 'written') AS written
        FROM (
            SELECT kind, CASE
                WHEN required.name = 'listen_addresses' THEN EXISTS (
                    SELECT FROM unnest(string_to_array(value, ',')) AS address
                    WHERE trim(address) NOT IN ('', 'localhost', '127.0.0.1', '::1'))
                WHEN required.name = 'archive_mode' THEN value IN ('on', 'always')
                -- 0 is for ever.
                WHEN required.name = 'wal_summary_keep_time' THEN minutes = 0 OR minutes >= required.minimum::numeric
                WHEN required.minimum IS NULL THEN value = required.desired
                WHEN required.name = 'wal_level' THEN
                    array_position(ARRAY['minimal', 'replica', 'logical'], value)
                    >= array_position(ARRAY['minimal', 'replica', 'logical'], required.minimum)
                ELSE value::bigint >= required.minimum::bigint
            END AS enough
            FROM (VALUES ('running', now.setting), ('written', coalesce(in_files.setting, now.setting))) AS both_values (kind, value)
            -- A file may have it as 10d.
            CROSS JOIN LATERAL (
                SELECT CASE
                    WHEN required.name <> 'wal_summary_keep_time' THEN NULL
                    WHEN value ~ '^ *[0-9]+ *$' THEN value::numeric
                    ELSE extract(epoch FROM value::interval)::numeric / 60
                END AS minutes
            ) AS in_minutes
        ) AS judged
    ) AS short
), hba AS (
    -- Whatever the rest of the file is encoded in.
    SELECT coalesce(substring(encode(pg_catalog.pg_read_binary_file(current_setting('hba_file')), 'escape')
        FROM '# BEGIN pgdr\.barman\n(.*?)# END pgdr\.barman'), '') AS rules
), role AS (
    SELECT oid, rolsuper FROM pg_catalog.pg_roles WHERE rolname = %(role)s
)
SELECT
    current_setting('server_version_num')::int / 10000 AS version,
    pg_catalog.pg_is_in_recovery() AS in_recovery,
    -- The arguments that Patroni gives to the postmaster. Only both together are its own.
    (SELECT count(*) = 2 FROM pg_catalog.pg_settings WHERE name IN ('cluster_name', 'wal_level') AND source = 'command line') AS patroni,
    current_setting('hba_file') AS hba_file,
    (SELECT rules FROM hba) AS hba_rules,
    -- The file's time has whole seconds only: what was written in the second of the last load counts as loaded, or it would be loaded for ever.
    (pg_catalog.pg_stat_file(current_setting('hba_file'))).modification > pg_catalog.pg_conf_load_time() AS hba_unloaded,
    current_setting('data_directory') AS data_directory,
    split_part(pg_catalog.pg_read_file('postmaster.pid'), E'\n', 1)::int AS postmaster,
    -- Module recovery_record writes it beside the directory, and it stays until somebody removes it. If the directory's path is a symbolic link, it is beside
    -- what that leads to, where SQL can't look: a file that every recovery leaves inside says that there may be one.
    ((pg_catalog.pg_stat_file(current_setting('data_directory') || '.pgdr-recovery.json', true)).size IS NOT NULL
        OR (pg_catalog.pg_stat_file('.pgdr-recovery.json', true)).size IS NOT NULL) AS recovery_recorded,
    -- Since PostgreSQL 17.
    coalesce(current_setting('allow_alter_system', true), 'on') = 'on' AS alter_system_allowed,
    -- A recovery can't move a data directory aside that has another file system in it.
    (SELECT coalesce(jsonb_agg(mount), '[]')
        FROM (
            SELECT split_part(line, ' ', 5) AS mount
            FROM regexp_split_to_table(
                encode(pg_catalog.pg_read_binary_file('/proc/self/mountinfo', 0, 1000000, true), 'escape'), '\n') AS line
        ) AS mounted
        WHERE starts_with(mount, current_setting('data_directory') || '/')
    ) AS mounts_below,
    -- While archive_mode is off PostgreSQL shows (disabled), whatever the files say.
    coalesce(CASE current_setting('archive_command')
        WHEN '(disabled)' THEN (SELECT setting FROM in_files WHERE name = 'archive_command')
        ELSE current_setting('archive_command')
    END, '') AS archive_command,
    current_setting('archive_mode') AS archive_mode,
    coalesce(current_setting('archive_library', true), '') AS archive_library,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    (SELECT coalesce(jsonb_agg(slot_name ORDER BY slot_name), '[]')
        FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical' AND NOT active) AS idle_slots,
    (SELECT coalesce(jsonb_agg(to_jsonb(compared) ORDER BY name), '[]') FROM compared) AS settings,
    -- What the role pg takes away from a role that exists already. ours: a rule of ours names it, so an earlier run made it what it needs.
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', rolname, 'bootstrap', oid = 10,
            'ours', EXISTS (
                SELECT FROM hba CROSS JOIN regexp_split_to_table(rules, '\n') AS rule WHERE split_part(rule, ' ', 3) = '"' || rolname || '"'),
            'attributes', array_remove(ARRAY[
            CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
            CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL)) ORDER BY rolname), '[]')
        FROM pg_catalog.pg_roles
        WHERE rolname IN (SELECT jsonb_array_elements_text(%(roles)s::jsonb))
    ) AS existing_roles,
    -- A superuser has every privilege without a grant, and is about to lose that attribute.
    (SELECT coalesce(jsonb_agg(signature), '[]')
        FROM jsonb_array_elements_text(%(functions)s::jsonb) AS signature
        WHERE NOT EXISTS (
            SELECT FROM role
            WHERE NOT rolsuper
            AND has_function_privilege(oid, to_regprocedure('pg_catalog.' || signature), 'EXECUTE'))
    ) AS missing_functions,
    (SELECT coalesce(jsonb_agg(membership), '[]')
        FROM jsonb_array_elements_text(%(memberships)s::jsonb) AS membership
        WHERE NOT EXISTS (
            SELECT FROM role
            JOIN pg_catalog.pg_auth_members AS held ON held.member = role.oid
            JOIN pg_catalog.pg_roles AS giver ON giver.oid = held.roleid
            WHERE giver.rolname = membership)
    ) AS missing_memberships
