"""The tables, as the list of steps that made them. A step that was released is never changed, only followed.

Times are milliseconds since 1970 in UTC. ``due_at`` is when the clock alone will next change a row.
"""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE folder (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, path TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE queue (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, folder_id INTEGER NOT NULL REFERENCES folder,
            name TEXT NOT NULL, description TEXT,
            unique_tasks INTEGER NOT NULL, auto_change_status INTEGER NOT NULL,
            max_retries INTEGER NOT NULL, retry_failed INTEGER NOT NULL, retry_business INTEGER NOT NULL,
            retry_abandoned INTEGER NOT NULL,
            abandon_new_ms INTEGER NOT NULL, abandon_taken_ms INTEGER NOT NULL,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
        )
        """,
        "CREATE INDEX queue_name ON queue (name) WHERE deleted_at IS NULL",
        """
        CREATE TABLE task (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL, queue_id INTEGER NOT NULL REFERENCES queue,
            name TEXT, reference TEXT, description TEXT, comment TEXT,
            status TEXT NOT NULL, priority TEXT NOT NULL, rank INTEGER NOT NULL,
            payload TEXT, output TEXT, error TEXT, progress TEXT, tags TEXT,
            robot TEXT, job_guid TEXT, parent_guid TEXT, retries INTEGER NOT NULL,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, status_at INTEGER NOT NULL,
            started_at INTEGER, ended_at INTEGER, postponed_until INTEGER, deadline INTEGER,
            due_at INTEGER, deleted_at INTEGER
        )
        """,
        "CREATE UNIQUE INDEX task_guid ON task (guid)",
        "CREATE INDEX task_queue ON task (queue_id, id) WHERE deleted_at IS NULL",
        # Taking must cost the same whatever else lies in the queue: only what can be taken is in here.
        "CREATE INDEX task_take ON task (queue_id, rank, id) WHERE status = 'new' AND deleted_at IS NULL",
        "CREATE INDEX task_due ON task (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX task_name ON task (queue_id, name, ended_at IS NULL) WHERE deleted_at IS NULL",
    ),
    (
        """
        CREATE TABLE process (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, folder_id INTEGER NOT NULL REFERENCES folder,
            name TEXT NOT NULL, description TEXT, kind TEXT NOT NULL, min_version TEXT, group_guid TEXT NOT NULL,
            version_id INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
        )
        """,
        "CREATE INDEX process_name ON process (name) WHERE deleted_at IS NULL",
        """
        CREATE TABLE process_version (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, process_id INTEGER NOT NULL REFERENCES process,
            number INTEGER NOT NULL, name TEXT NOT NULL, description TEXT, file_name TEXT, variables TEXT,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER, content BLOB
        )
        """,
        "CREATE INDEX process_version_of ON process_version (process_id, number)",
    ),
    (
        """
        CREATE TABLE external_system (
            guid TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, status TEXT NOT NULL,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE task_run (
            task_id INTEGER PRIMARY KEY REFERENCES task, system TEXT, version_id INTEGER,
            context_guid TEXT, callback TEXT, log TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE task_file (
            id INTEGER PRIMARY KEY, task_id INTEGER NOT NULL REFERENCES task, is_output INTEGER NOT NULL,
            name TEXT NOT NULL, size INTEGER NOT NULL, created_at INTEGER NOT NULL, content BLOB NOT NULL
        )
        """,
        "CREATE INDEX task_file_of ON task_file (task_id, is_output, name)",
        # What is still to be fetched or told over the network; a line goes when it is done or given up.
        """
        CREATE TABLE errand (
            id INTEGER PRIMARY KEY, task_id INTEGER NOT NULL REFERENCES task, kind TEXT NOT NULL,
            url TEXT NOT NULL, tries INTEGER NOT NULL, due_at INTEGER NOT NULL
        )
        """,
        "CREATE INDEX errand_of ON errand (task_id)",
    ),
    (
        """
        CREATE TABLE client (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, secret_hash TEXT NOT NULL,
            created_at INTEGER NOT NULL
        )
        """,
        # What few orchestrators keep with a task; most tasks have no line here.
        """
        CREATE TABLE task_extra (
            task_id INTEGER PRIMARY KEY REFERENCES task, risk_at INTEGER, analytics TEXT, details TEXT,
            review TEXT, reviewer_id INTEGER, by_hand INTEGER NOT NULL DEFAULT 0
        )
        """,
        # What was uploaded, whether a process was made of it or not, and which processes were.
        """
        CREATE TABLE package (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, version TEXT NOT NULL, description TEXT,
            file_name TEXT NOT NULL, content BLOB NOT NULL, created_at INTEGER NOT NULL, UNIQUE (name, version)
        )
        """,
        "CREATE TABLE package_of (process_id INTEGER PRIMARY KEY REFERENCES process, name TEXT NOT NULL)",
        "CREATE INDEX task_parent ON task (parent_guid) WHERE parent_guid IS NOT NULL",
        "CREATE INDEX task_reference ON task (queue_id, reference) WHERE reference IS NOT NULL",
    ),
    (
        """
        CREATE TABLE robot (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, folder_id INTEGER NOT NULL REFERENCES folder,
            name TEXT NOT NULL, description TEXT, type TEXT NOT NULL, enabled INTEGER NOT NULL,
            status TEXT NOT NULL, machine TEXT, ip TEXT, mac TEXT, username TEXT,
            license TEXT, license_expires_at INTEGER,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_seen_at INTEGER,
            due_at INTEGER, deleted_at INTEGER
        )
        """,
        "CREATE INDEX robot_name ON robot (name) WHERE deleted_at IS NULL",
        "CREATE INDEX robot_due ON robot (due_at) WHERE due_at IS NOT NULL",
        """
        CREATE TABLE robot_group (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, folder_id INTEGER NOT NULL REFERENCES folder,
            name TEXT NOT NULL, description TEXT,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
        )
        """,
        "CREATE INDEX robot_group_name ON robot_group (name) WHERE deleted_at IS NULL",
        """
        CREATE TABLE robot_in_group (
            robot_id INTEGER NOT NULL REFERENCES robot, group_id INTEGER NOT NULL REFERENCES robot_group,
            PRIMARY KEY (robot_id, group_id)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX robot_of_group ON robot_in_group (group_id)",
        "CREATE INDEX process_version_name ON process_version (name) WHERE deleted_at IS NULL",
        """
        CREATE TABLE job (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL, folder_id INTEGER NOT NULL REFERENCES folder,
            process_id INTEGER NOT NULL REFERENCES process,
            version_id INTEGER REFERENCES process_version,
            robot_id INTEGER REFERENCES robot, group_id INTEGER REFERENCES robot_group,
            task_guid TEXT, trigger_id INTEGER REFERENCES job_trigger,
            status TEXT NOT NULL, priority TEXT NOT NULL, rank INTEGER NOT NULL,
            source TEXT NOT NULL, reference TEXT, machine TEXT, input TEXT, output TEXT, info TEXT,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, status_at INTEGER NOT NULL,
            claimed_at INTEGER, started_at INTEGER, ended_at INTEGER,
            stop_after INTEGER, abort_after INTEGER, assumed INTEGER NOT NULL,
            due_at INTEGER, deleted_at INTEGER
        )
        """,
        "CREATE UNIQUE INDEX job_guid ON job (guid)",
        # Of a robot, of a group, of nobody: the next job is the first of one of the three.
        """
        CREATE INDEX job_take ON job (robot_id, group_id, rank, id)
            WHERE status = 'pending' AND claimed_at IS NULL AND deleted_at IS NULL
        """,
        """
        CREATE INDEX job_held ON job (robot_id)
            WHERE claimed_at IS NOT NULL AND ended_at IS NULL AND deleted_at IS NULL
        """,
        """
        CREATE INDEX job_open_of_trigger ON job (trigger_id)
            WHERE trigger_id IS NOT NULL AND ended_at IS NULL AND deleted_at IS NULL
        """,
        "CREATE INDEX job_due ON job (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX task_job ON task (job_guid) WHERE job_guid IS NOT NULL AND deleted_at IS NULL",
        """
        CREATE TABLE job_trigger (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, folder_id INTEGER NOT NULL REFERENCES folder,
            name TEXT NOT NULL, description TEXT, status TEXT NOT NULL,
            process_id INTEGER NOT NULL REFERENCES process,
            robot_id INTEGER REFERENCES robot, group_id INTEGER REFERENCES robot_group,
            cron TEXT, time_zone TEXT NOT NULL, catch_up INTEGER NOT NULL,
            start_at INTEGER, end_at INTEGER, max_runs INTEGER NOT NULL, max_open INTEGER NOT NULL,
            priority TEXT NOT NULL, input TEXT, stop_after_ms INTEGER, abort_after_ms INTEGER,
            runs INTEGER NOT NULL, last_run_at INTEGER, next_run_at INTEGER,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, due_at INTEGER, deleted_at INTEGER
        )
        """,
        "CREATE INDEX trigger_name ON job_trigger (name) WHERE deleted_at IS NULL",
        "CREATE INDEX trigger_due ON job_trigger (due_at) WHERE due_at IS NOT NULL",
        """
        CREATE TABLE asset (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, folder_id INTEGER NOT NULL REFERENCES folder,
            name TEXT NOT NULL, description TEXT, type TEXT NOT NULL, value TEXT, username TEXT, secret BLOB,
            expires_at INTEGER, robot_id INTEGER REFERENCES robot, group_id INTEGER REFERENCES robot_group,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
        )
        """,
        "CREATE INDEX asset_name ON asset (name) WHERE deleted_at IS NULL",
        """
        CREATE TABLE log (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, folder_id INTEGER NOT NULL,
            time INTEGER NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL,
            robot_id INTEGER, robot_name TEXT, process_name TEXT, version_id INTEGER, job_guid TEXT,
            machine TEXT, raw TEXT, created_at INTEGER NOT NULL
        )
        """,
        "CREATE INDEX log_time ON log (time)",
        "CREATE INDEX log_created ON log (created_at)",
        "CREATE INDEX log_job ON log (job_guid, id) WHERE job_guid IS NOT NULL",
        """
        CREATE TABLE storage_folder (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
        )
        """,
        "CREATE INDEX storage_folder_name ON storage_folder (name) WHERE deleted_at IS NULL",
        """
        CREATE TABLE stored_file (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE,
            storage_folder_id INTEGER REFERENCES storage_folder,
            name TEXT NOT NULL, description TEXT, size INTEGER NOT NULL,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
        )
        """,
        "CREATE INDEX stored_file_name ON stored_file (name) WHERE deleted_at IS NULL",
        "CREATE TABLE stored_content (file_id INTEGER PRIMARY KEY REFERENCES stored_file, content BLOB)",
        """
        CREATE TABLE account (
            id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password BLOB,
            first_name TEXT, last_name TEXT, email TEXT, phone TEXT, company TEXT, department TEXT,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
        )
        """,
        "CREATE INDEX account_name ON account (name) WHERE deleted_at IS NULL",
    ),
)
