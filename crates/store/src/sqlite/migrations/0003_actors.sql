-- Durable state of functions, results of executions, what attempts used, and the registry's entries.

-- `value` is null when it lies in a blob (`digest`).
CREATE TABLE states (
    function_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    key         TEXT    NOT NULL,
    value       BLOB,
    digest      BLOB,
    version     INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (function_id, key)
) STRICT;

-- `position` is the order of results, and is never used again. `body` is null when it lies in a blob (`digest`).
CREATE TABLE results (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    seq      INTEGER NOT NULL REFERENCES invocations (seq) ON DELETE CASCADE,
    body     BLOB,
    digest   BLOB
) STRICT;
CREATE INDEX results_invocation ON results (seq, position);

-- What an attempt used: all null when that is not known, which `run_us` tells. `final_state` is JSON.
ALTER TABLE attempts ADD COLUMN exit_code INTEGER;
ALTER TABLE attempts ADD COLUMN cpu_ns INTEGER;
ALTER TABLE attempts ADD COLUMN io_bytes INTEGER;
ALTER TABLE attempts ADD COLUMN memory_bytes_max INTEGER;
ALTER TABLE attempts ADD COLUMN run_us INTEGER;
ALTER TABLE attempts ADD COLUMN final_state TEXT;

-- Small named documents of projects. `value` is JSON.
CREATE TABLE entries (
    kind    TEXT    NOT NULL,
    project TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    value   TEXT    NOT NULL,
    PRIMARY KEY (kind, project, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER states_release AFTER DELETE ON states WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE blobs SET refs = refs - 1 WHERE digest = OLD.digest;
END;
-- Also when the new value is the same: it is counted anew.
CREATE TRIGGER states_replace AFTER UPDATE OF digest ON states WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE blobs SET refs = refs - 1 WHERE digest = OLD.digest;
END;
CREATE TRIGGER results_release AFTER DELETE ON results WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE blobs SET refs = refs - 1 WHERE digest = OLD.digest;
END;

CREATE VIEW v_states AS
SELECT f.project, f.name AS function, s.key, s.version,
       coalesce(length(s.value), (SELECT b.size FROM blobs b WHERE b.digest = s.digest)) AS size,
       strftime('%Y-%m-%dT%H:%M:%S', s.updated_at / 1000000, 'unixepoch') || printf('.%06dZ', s.updated_at % 1000000) AS updated_at
FROM states s JOIN functions f ON f.id = s.function_id;

-- Without values: some are secret. Who knows the name of a nonce can use it, so its end is left out.
CREATE VIEW v_entries AS
SELECT kind, project, CASE kind WHEN 'nonce' THEN substr(name, 1, max(length(name) - 8, 0)) || '…' ELSE name END AS name, version
FROM entries;

DROP VIEW v_attempts;
CREATE VIEW v_attempts AS
SELECT lower(substr(hex(i.id), 1, 8) || '-' || substr(hex(i.id), 9, 4) || '-' || substr(hex(i.id), 13, 4) || '-'
             || substr(hex(i.id), 17, 4) || '-' || substr(hex(i.id), 21, 12)) AS invocation,
       f.project, f.name AS function, a.number, a.revision, a.worker, a.outcome, a.reason,
       strftime('%Y-%m-%dT%H:%M:%S', a.started_at / 1000000, 'unixepoch') || printf('.%06dZ', a.started_at % 1000000) AS started_at,
       strftime('%Y-%m-%dT%H:%M:%S', a.finished_at / 1000000, 'unixepoch') || printf('.%06dZ', a.finished_at % 1000000) AS finished_at,
       a.exit_code, a.cpu_ns, a.io_bytes, a.run_us
FROM attempts a JOIN invocations i ON i.seq = a.seq JOIN functions f ON f.id = i.function_id;
