-- Copyright (c) 2026, pgdr.barman contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Only a table that this playbook has made is replaced.
DO $$
BEGIN
    IF obj_description(to_regclass('pgdr_barman_test'), 'pg_class') IS DISTINCT FROM 'pgdr.barman.test_recovery'
       AND to_regclass('pgdr_barman_test') IS NOT NULL THEN
        RAISE EXCEPTION 'table pgdr_barman_test was not created by pgdr.barman.test_recovery; rename it, or set barman_test_database';
    END IF;
    DROP TABLE IF EXISTS pgdr_barman_test;
    CREATE TABLE pgdr_barman_test AS SELECT n FROM generate_series(1, 0) AS n;
    COMMENT ON TABLE pgdr_barman_test IS 'pgdr.barman.test_recovery';
END
$$;
