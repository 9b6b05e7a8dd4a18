/** How many rejected items of a source are kept with their reasons; all of them are counted. */
const MAX_REJECTIONS = 1_000;

/**
 * Writes the rows of a chunk and counts it, in one statement: the counters of a source, which its batches wait for, are
 * locked for a moment, not until this process says that a transaction ends.
 *
 * $1 import, $2 source, $3 attempt and $4 status that the source must have, $5 when the items were read, in epoch
 * milliseconds, then of each item $6 key, $7 guid, $8 fingerprint and $9 document (one JSON array); $10 what was rejected
 * (a JSON array) and $11 how many, $12 items that the chunk has twice, $13 bytes read so far, $14 whether items that are
 * missed are given up, and counted, or tried again.
 *
 * Answers a letter for each item: `s` staged, `p` enqueued by this import already and waiting, both as capitals where the
 * job has the key of the item itself; `o` stored by this import in another version; `m` missed, because the job that had
 * it has just ended; `-` anything else. Fails with a division by zero, and writes nothing, where the source has another
 * attempt or status.
 *
 * `kept`: enqueued by an earlier attempt of this import; `repeated`: by this one; `pending`: another import's job has it
 * in hand, and takes it in this version. Rows are locked in the order of their keys, and the source after them, as batches
 * do it, so that nobody waits for each other. What is known of an item is looked up by index, item by item, which is what
 * LIMIT is for: PostgreSQL would rather read all that waits, or all that is of this import, for each chunk.
 */
export const STAGE = `
    WITH offered AS MATERIALIZED (
      SELECT o.*, stored.fingerprint AS stored, own.key IS NOT NULL AS is_own, own.attempt AS own_attempt, own.is_first,
        unstored.key IS NULL AS is_unmet,
        CASE WHEN own.key IS NOT NULL THEN own.import_id
          WHEN stored.fingerprint IS DISTINCT FROM o.fingerprint THEN pending.import_id END AS holder
      FROM ROWS FROM (
        unnest($6::text[]), unnest($7::text[]), unnest($8::text[]), jsonb_array_elements($9::jsonb)
      ) WITH ORDINALITY AS o(key, guid, fingerprint, document, at)
      LEFT JOIN LATERAL (
        SELECT f.fingerprint FROM feed_items f WHERE f.key = o.key LIMIT 1
      ) stored ON true
      LEFT JOIN LATERAL (
        SELECT i.key, i.import_id, i.attempt, i.is_first FROM import_items i
        WHERE i.import_id = $1::uuid AND i.key = o.key LIMIT 1
      ) own ON true
      LEFT JOIN LATERAL (
        SELECT i.import_id FROM import_items i WHERE i.key = o.key AND i.outcome = 'queued' LIMIT 1
      ) pending ON true
      LEFT JOIN LATERAL (
        SELECT i.key FROM import_items i WHERE i.key = o.key AND i.outcome IN ('failed', 'cancelled') LIMIT 1
      ) unstored ON true
    ), held AS MATERIALIZED (
      SELECT held.*
      FROM (SELECT key, holder FROM offered WHERE holder IS NOT NULL ORDER BY key) o
      CROSS JOIN LATERAL (
        SELECT i.import_id, i.key, i.outcome, i.fingerprint FROM import_items i
        WHERE i.import_id = o.holder AND i.key = o.key LIMIT 1 FOR UPDATE
      ) held
    ), touched AS (
      UPDATE import_items i SET
        document = CASE WHEN h.outcome = 'queued' THEN o.document ELSE i.document END,
        seen_at = CASE WHEN h.outcome = 'queued' AND h.fingerprint <> o.fingerprint THEN $5::bigint ELSE i.seen_at END,
        fingerprint = CASE WHEN h.outcome = 'queued' THEN o.fingerprint ELSE i.fingerprint END,
        is_shared = i.is_shared OR NOT o.is_own,
        attempt = CASE WHEN o.is_own THEN $3::integer ELSE i.attempt END
      FROM held h JOIN offered o ON o.key = h.key
      WHERE i.import_id = h.import_id AND i.key = h.key AND (o.is_own OR h.outcome = 'queued')
    ), staged AS (
      INSERT INTO import_items
        (import_id, key, source, guid, is_first, fingerprint, document, seen_at, attempt, updated_at)
      SELECT $1::uuid, o.key, $2::text, o.guid,
        o.stored IS NULL AND o.is_unmet, o.fingerprint, o.document, $5::bigint, $3::integer, now()
      FROM offered o
      WHERE NOT o.is_own AND o.stored IS DISTINCT FROM o.fingerprint
        AND NOT EXISTS (SELECT FROM held h WHERE h.key = o.key)
      ORDER BY o.key
      ON CONFLICT DO NOTHING
      RETURNING key, is_first
    ), placed AS MATERIALIZED (
      SELECT o.at, coalesce(s.is_first, o.is_first, false) AS is_first,
        o.is_own AND h.outcome = 'queued' AS is_own_queued,
        o.is_own AND h.outcome <> 'queued' AND h.fingerprint <> o.fingerprint AS is_outdated,
        CASE WHEN s.key IS NOT NULL THEN 'staged'
          WHEN o.is_own AND o.own_attempt < $3::integer THEN 'kept'
          WHEN o.is_own THEN 'repeated'
          WHEN o.stored = o.fingerprint THEN 'skipped'
          WHEN h.outcome = 'queued' THEN 'pending'
          ELSE 'missed' END AS place
      FROM offered o
      LEFT JOIN staged s ON s.key = o.key
      LEFT JOIN held h ON h.key = o.key
    ), numbers AS (
      SELECT count(*) FILTER (WHERE place = 'staged')::integer AS staged,
        count(*) FILTER (WHERE place = 'skipped')::integer AS skipped,
        count(*) FILTER (WHERE place IN ('repeated', 'pending') OR place = 'missed' AND $14)::integer AS met
      FROM placed
    ), counted AS (
      -- What an earlier attempt has enqueued is counted already.
      UPDATE import_sources s SET
        offered = s.offered + n.staged + n.skipped + n.met + $12::integer + $11::integer,
        rejected = s.rejected + $11::integer, skipped = s.skipped + n.skipped,
        duplicates = s.duplicates + n.met + $12::integer, enqueued = s.enqueued + n.staged,
        bytes = $13::bigint, version = s.version + 1, updated_at = now()
      FROM numbers n
      WHERE s.import_id = $1::uuid AND s.source = $2::text AND s.attempt = $3::integer AND s.status = $4::text
      RETURNING s.rejected
    ), rejected AS (
      INSERT INTO import_rejections (import_id, source, position, reason, detail)
      SELECT $1::uuid, $2::text, r.position, r.reason, r.detail
      FROM jsonb_to_recordset($10::jsonb) AS r(position integer, reason text, detail text)
      LIMIT greatest(0, ${MAX_REJECTIONS} - (SELECT c.rejected - $11::integer FROM counted c))
    )
    SELECT 1 / (SELECT count(*) FROM counted) AS fence,
      string_agg(CASE WHEN place = 'staged' THEN CASE WHEN is_first THEN 'S' ELSE 's' END
        WHEN is_own_queued THEN CASE WHEN is_first THEN 'P' ELSE 'p' END
        WHEN is_outdated THEN 'o' WHEN place = 'missed' THEN 'm' ELSE '-' END, '' ORDER BY at) AS codes
    FROM placed`;
