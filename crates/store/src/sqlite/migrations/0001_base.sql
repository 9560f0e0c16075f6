-- Times are microseconds since 1970-01-01T00:00:00Z. Invocation ids are 16 bytes, digests 32.
-- invocations.status: 0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled, 5 dead_lettered.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE functions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project    TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    active     INTEGER NOT NULL,
    desired    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (project, name)
) STRICT;

CREATE TABLE revisions (
    function_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    spec        TEXT    NOT NULL,
    package     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (function_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    function_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    trigger     TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    next_at     INTEGER NOT NULL,
    last_at     INTEGER,
    PRIMARY KEY (function_id, trigger)
) STRICT, WITHOUT ROWID;

-- What changes while an invocation lives. Its event, which does not, lies apart, so that claiming and settling rewrite
-- little. `seq` is the order of arrival. `line` orders the unfinished invocations of one key: the order of
-- arrival too, but one that is queued again joins the end. `blocked` is set while another one of the key is before it.
CREATE TABLE invocations (
    seq              INTEGER PRIMARY KEY,
    id               BLOB    NOT NULL UNIQUE,
    function_id      INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    status           INTEGER NOT NULL,
    blocked          INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    order_key        TEXT,
    line             INTEGER,
    idempotency_key  TEXT,
    parent           BLOB,
    event_size       INTEGER NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    failures         INTEGER NOT NULL DEFAULT 0,
    interruptions    INTEGER NOT NULL DEFAULT 0,
    generation       INTEGER NOT NULL DEFAULT 0,
    received_at      INTEGER NOT NULL,
    available_at     INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    lease_owner      TEXT,
    lease_until      INTEGER,
    outcome          TEXT,
    reason           TEXT    NOT NULL DEFAULT '',
    response_status  INTEGER,
    received_us      INTEGER NOT NULL DEFAULT 0,
    queued_us        INTEGER NOT NULL DEFAULT 0,
    cold_start_us    INTEGER NOT NULL DEFAULT 0,
    user_code_us     INTEGER NOT NULL DEFAULT 0,
    transfer_us      INTEGER NOT NULL DEFAULT 0,
    commit_us        INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Listing, newest first.
CREATE INDEX invocations_function ON invocations (function_id, id);
-- Claiming and `due`: as short whatever the backlog.
CREATE INDEX invocations_ready ON invocations (function_id, available_at, seq, received_at) WHERE status = 0 AND blocked = 0;
CREATE INDEX invocations_blocked ON invocations (function_id, received_at) WHERE status = 0 AND blocked = 1;
CREATE INDEX invocations_running ON invocations (lease_until, function_id) WHERE status = 1;
CREATE INDEX invocations_line ON invocations (function_id, order_key, line) WHERE order_key IS NOT NULL AND status < 2;
CREATE INDEX invocations_dead ON invocations (function_id, seq) WHERE status = 5;
-- At most one invocation of a function has an idempotency key.
CREATE UNIQUE INDEX invocations_once ON invocations (function_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
-- Pruning, the oldest first.
CREATE INDEX invocations_finished ON invocations (finished_at) WHERE status BETWEEN 2 AND 4;
CREATE INDEX invocations_dead_finished ON invocations (finished_at) WHERE status = 5;

-- `body` is null when it lies in a blob (`digest`) or was not kept (`digest` null and event_size > 0).
CREATE TABLE events (
    seq      INTEGER PRIMARY KEY REFERENCES invocations (seq) ON DELETE CASCADE,
    envelope TEXT NOT NULL,
    body     BLOB,
    digest   BLOB
) STRICT;

CREATE TABLE replies (
    seq          INTEGER PRIMARY KEY REFERENCES invocations (seq) ON DELETE CASCADE,
    status       INTEGER NOT NULL,
    content_type TEXT    NOT NULL,
    headers      TEXT    NOT NULL,
    body         BLOB,
    digest       BLOB
) STRICT;

CREATE TABLE attempts (
    seq         INTEGER NOT NULL REFERENCES invocations (seq) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    revision    INTEGER,
    worker      TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    outcome     TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    PRIMARY KEY (seq, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    seq         INTEGER NOT NULL REFERENCES invocations (seq) ON DELETE CASCADE,
    function_id INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    level       TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    fields      TEXT
) STRICT;
CREATE INDEX logs_invocation ON logs (seq, position);
CREATE INDEX logs_function ON logs (function_id, position);

-- How many rows refer to each blob.
CREATE TABLE blobs (
    digest BLOB PRIMARY KEY,
    size   INTEGER NOT NULL,
    refs   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_unreferenced ON blobs (digest) WHERE refs = 0;

CREATE TRIGGER events_release AFTER DELETE ON events WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE blobs SET refs = refs - 1 WHERE digest = OLD.digest;
END;
CREATE TRIGGER replies_release AFTER DELETE ON replies WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE blobs SET refs = refs - 1 WHERE digest = OLD.digest;
END;
