-- Stable views for people and their tools: columns are added, never renamed or taken away. docs/store.md describes them.

CREATE VIEW v_functions AS
SELECT f.project, f.name, f.active AS active_revision, f.desired AS desired_state,
       strftime('%Y-%m-%dT%H:%M:%S', f.created_at / 1000000, 'unixepoch') || printf('.%06dZ', f.created_at % 1000000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', f.updated_at / 1000000, 'unixepoch') || printf('.%06dZ', f.updated_at % 1000000) AS updated_at,
       (SELECT count(*) FROM revisions r WHERE r.function_id = f.id) AS revisions
FROM functions f;

CREATE VIEW v_invocations AS
SELECT lower(substr(hex(i.id), 1, 8) || '-' || substr(hex(i.id), 9, 4) || '-' || substr(hex(i.id), 13, 4) || '-'
             || substr(hex(i.id), 17, 4) || '-' || substr(hex(i.id), 21, 12)) AS id,
       f.project, f.name AS function,
       CASE i.status WHEN 0 THEN 'queued' WHEN 1 THEN 'running' WHEN 2 THEN 'succeeded' WHEN 3 THEN 'failed'
                     WHEN 4 THEN 'cancelled' WHEN 5 THEN 'dead_lettered' END AS status,
       i.order_key AS key, i.blocked, i.idempotency_key,
       CASE WHEN i.parent IS NOT NULL THEN
            lower(substr(hex(i.parent), 1, 8) || '-' || substr(hex(i.parent), 9, 4) || '-' || substr(hex(i.parent), 13, 4) || '-'
                  || substr(hex(i.parent), 17, 4) || '-' || substr(hex(i.parent), 21, 12)) END AS parent,
       i.attempts, i.failures, i.interruptions, i.generation, i.event_size, i.outcome, i.reason, i.response_status,
       strftime('%Y-%m-%dT%H:%M:%S', i.received_at / 1000000, 'unixepoch') || printf('.%06dZ', i.received_at % 1000000) AS received_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.available_at / 1000000, 'unixepoch') || printf('.%06dZ', i.available_at % 1000000) AS available_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.started_at / 1000000, 'unixepoch') || printf('.%06dZ', i.started_at % 1000000) AS started_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.finished_at / 1000000, 'unixepoch') || printf('.%06dZ', i.finished_at % 1000000) AS finished_at,
       i.received_us, i.queued_us, i.cold_start_us, i.user_code_us, i.transfer_us, i.commit_us
FROM invocations i JOIN functions f ON f.id = i.function_id;

CREATE VIEW v_attempts AS
SELECT lower(substr(hex(i.id), 1, 8) || '-' || substr(hex(i.id), 9, 4) || '-' || substr(hex(i.id), 13, 4) || '-'
             || substr(hex(i.id), 17, 4) || '-' || substr(hex(i.id), 21, 12)) AS invocation,
       f.project, f.name AS function, a.number, a.revision, a.worker, a.outcome, a.reason,
       strftime('%Y-%m-%dT%H:%M:%S', a.started_at / 1000000, 'unixepoch') || printf('.%06dZ', a.started_at % 1000000) AS started_at,
       strftime('%Y-%m-%dT%H:%M:%S', a.finished_at / 1000000, 'unixepoch') || printf('.%06dZ', a.finished_at % 1000000) AS finished_at
FROM attempts a JOIN invocations i ON i.seq = a.seq JOIN functions f ON f.id = i.function_id;

CREATE VIEW v_queue_depth AS
SELECT f.project, f.name AS function,
       (SELECT count(*) FROM invocations i WHERE i.function_id = f.id AND i.status = 0 AND i.blocked = 0) AS ready_or_delayed,
       (SELECT count(*) FROM invocations i WHERE i.function_id = f.id AND i.status = 0 AND i.blocked = 1) AS blocked,
       (SELECT count(*) FROM invocations i WHERE i.function_id = f.id AND i.status = 1) AS running,
       (SELECT count(*) FROM invocations i WHERE i.function_id = f.id AND i.status = 5) AS dead_lettered
FROM functions f;
