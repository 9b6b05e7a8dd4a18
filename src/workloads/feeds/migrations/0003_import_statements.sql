-- The two statements that run for each chunk and each batch of an import. As functions PostgreSQL plans them once for a
-- connection: planning them took it a fifth of the time that storing items takes. A kept plan must be good for tables of
-- any size, so it may not read them whole, however small they are when it is made.

-- Writes the rows of a chunk and counts it, in one statement: the counters of a source, which its batches wait for, are
-- locked for a moment, not until the process that fetches says that a transaction ends.
--
-- `given_import`, `given_source`; `given_attempt` and `given_status`, which the source must have; `read_at`, when the items
-- were read, in epoch milliseconds; then of each item key, guid, fingerprint and document (a JSON array); what was rejected
-- (a JSON array of position, reason and detail), how many that are and how many a source keeps with their reasons;
-- `given_twice`, items that the chunk has twice; `read_bytes` of the document so far; `is_last`, whether items that are
-- missed are given up, and counted, or tried again.
--
-- Answers a letter for each item: `s` staged, `p` enqueued by this import already and waiting, both as capitals where the
-- job has the key of the item itself; `o` stored by this import in another version; `m` missed, because the job that had
-- it has just ended; `-` anything else. Fails with HF001, and writes nothing, where the source has another attempt or
-- status.
--
-- `kept`: enqueued by an earlier attempt of this import; `repeated`: by this one; `pending`: another import's job has it in
-- hand, and takes it in this version. Rows are locked in the order of their keys, and the source after them, as batches do
-- it, so that nobody waits for each other.
CREATE FUNCTION "stage_import_items"(
  given_import uuid, given_source text, given_attempt integer, given_status text, read_at bigint,
  given_keys text[], given_guids text[], given_fingerprints text[], given_documents jsonb,
  given_rejections jsonb, rejected_number integer, rejections_kept integer,
  given_twice integer, read_bytes bigint, is_last boolean
) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  counted_number bigint;
  found_codes text;
BEGIN
  WITH offered AS MATERIALIZED (
    SELECT o.*, stored.fingerprint AS stored, own.key IS NOT NULL AS is_own, own.attempt AS own_attempt, own.is_first,
      unstored.key IS NULL AS is_unmet,
      CASE WHEN own.key IS NOT NULL THEN own.import_id
        WHEN stored.fingerprint IS DISTINCT FROM o.fingerprint THEN pending.import_id END AS holder
    FROM ROWS FROM (
      unnest(given_keys), unnest(given_guids), unnest(given_fingerprints), jsonb_array_elements(given_documents)
    ) WITH ORDINALITY AS o(key, guid, fingerprint, document, at)
    -- Item by item, by index, which is what LIMIT is for.
    LEFT JOIN LATERAL (
      SELECT f.fingerprint FROM feed_items f WHERE f.key = o.key LIMIT 1
    ) stored ON true
    LEFT JOIN LATERAL (
      SELECT i.key, i.import_id, i.attempt, i.is_first FROM import_items i
      WHERE i.import_id = given_import AND i.key = o.key LIMIT 1
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
      seen_at = CASE WHEN h.outcome = 'queued' AND h.fingerprint <> o.fingerprint THEN read_at ELSE i.seen_at END,
      fingerprint = CASE WHEN h.outcome = 'queued' THEN o.fingerprint ELSE i.fingerprint END,
      is_shared = i.is_shared OR NOT o.is_own,
      attempt = CASE WHEN o.is_own THEN given_attempt ELSE i.attempt END
    FROM held h JOIN offered o ON o.key = h.key
    WHERE i.import_id = h.import_id AND i.key = h.key AND (o.is_own OR h.outcome = 'queued')
  ), staged AS (
    INSERT INTO import_items
      (import_id, key, source, guid, is_first, fingerprint, document, seen_at, attempt, updated_at)
    SELECT given_import, o.key, given_source, o.guid,
      o.stored IS NULL AND o.is_unmet, o.fingerprint, o.document, read_at, given_attempt, now()
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
        WHEN o.is_own AND o.own_attempt < given_attempt THEN 'kept'
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
      count(*) FILTER (WHERE place IN ('repeated', 'pending') OR place = 'missed' AND is_last)::integer AS met
    FROM placed
  ), counted AS (
    -- What an earlier attempt has enqueued is counted already.
    UPDATE import_sources s SET
      offered = s.offered + n.staged + n.skipped + n.met + given_twice + rejected_number,
      rejected = s.rejected + rejected_number, skipped = s.skipped + n.skipped,
      duplicates = s.duplicates + n.met + given_twice, enqueued = s.enqueued + n.staged,
      bytes = read_bytes, version = s.version + 1, updated_at = now()
    FROM numbers n
    WHERE s.import_id = given_import AND s.source = given_source
      AND s.attempt = given_attempt AND s.status = given_status
    RETURNING s.rejected
  ), rejected AS (
    INSERT INTO import_rejections (import_id, source, position, reason, detail)
    SELECT given_import, given_source, r.position, r.reason, r.detail
    FROM jsonb_to_recordset(given_rejections) AS r(position integer, reason text, detail text)
    LIMIT greatest(0, rejections_kept - (SELECT c.rejected - rejected_number FROM counted c))
  )
  SELECT (SELECT count(*) FROM counted),
    string_agg(CASE WHEN place = 'staged' THEN CASE WHEN is_first THEN 'S' ELSE 's' END
      WHEN is_own_queued THEN CASE WHEN is_first THEN 'P' ELSE 'p' END
      WHEN is_outdated THEN 'o' WHEN place = 'missed' THEN 'm' ELSE '-' END, '' ORDER BY at)
  INTO counted_number, found_codes FROM placed;
  IF counted_number = 0 THEN
    RAISE EXCEPTION 'Another attempt has source % of import %.', given_source, given_import USING ERRCODE = 'HF001';
  END IF;
  RETURN coalesce(found_codes, '');
END $$;
--> statement-breakpoint

-- Settles items that jobs have in hand, and counts them: stores those that are new, or newer and different; or, where a
-- failure is given, notes that their jobs have failed for good. What is settled already, by an earlier start of its job, is
-- answered as it is. Items of a cancelled import are dropped, unless others rely on them. An item whose dead letter is sent
-- back is stored as well; then it has failed no longer.
--
-- Rows are locked in the order of their keys, and sources after them, so that two batches never wait for each other.
CREATE FUNCTION "settle_import_items"(given_imports uuid[], given_keys text[], failure text)
RETURNS TABLE ("import_id" uuid, "key" text, "outcome" text) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH named AS (
    SELECT DISTINCT given.import_id, given.key FROM unnest(given_imports, given_keys) AS given(import_id, key)
  ), found AS MATERIALIZED (
    SELECT i.*, s.tenant, failure IS NULL AND coalesce(
      i.outcome IN ('queued', 'failed') AND i.document IS NOT NULL
        AND (s.status <> 'cancelled' OR i.outcome = 'failed' OR i.is_shared), false) AS is_wanted
    FROM import_items i JOIN named n ON n.import_id = i.import_id AND n.key = i.key
    LEFT JOIN import_sources s ON s.import_id = i.import_id AND s.source = i.source
    ORDER BY i.key, i.import_id FOR UPDATE OF i
  ), dropped AS (
    UPDATE import_items i SET outcome = 'cancelled', updated_at = now()
    FROM found f
    WHERE failure IS NULL AND NOT f.is_wanted AND f.outcome = 'queued'
      AND i.import_id = f.import_id AND i.key = f.key
    RETURNING i.import_id, i.key, i.outcome
  ), stored AS (
    INSERT INTO feed_items AS item
      (key, tenant, source, guid, fingerprint, document, dated_at, import_id, seen_at, created_at, updated_at)
    SELECT f.key, f.tenant, f.source, f.guid, f.fingerprint, f.document,
      coalesce((f.document ->> 'publishedAt')::timestamptz, to_timestamp(f.seen_at / 1000.0)),
      f.import_id, f.seen_at, date_trunc('milliseconds', now()), date_trunc('milliseconds', now())
    FROM found f WHERE f.is_wanted ORDER BY f.key
    ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, document = excluded.document,
      dated_at = CASE WHEN excluded.document ->> 'publishedAt' IS NULL THEN item.dated_at ELSE excluded.dated_at END,
      import_id = excluded.import_id, seen_at = excluded.seen_at, updated_at = excluded.updated_at
    WHERE item.fingerprint <> excluded.fingerprint AND item.seen_at <= excluded.seen_at
    RETURNING item.key, item.import_id, (xmax = 0) AS is_new
  ), kept AS (
    UPDATE import_items i SET document = NULL, error = NULL, updated_at = now(),
      outcome = CASE WHEN s.key IS NULL THEN 'unchanged' WHEN s.is_new THEN 'created' ELSE 'updated' END
    FROM found f LEFT JOIN stored s ON s.key = f.key AND s.import_id = f.import_id
    WHERE f.is_wanted AND i.import_id = f.import_id AND i.key = f.key
    RETURNING i.import_id, i.key, i.source, i.outcome, f.outcome = 'failed' AS had_failed
  ), failed AS (
    UPDATE import_items i SET outcome = 'failed', error = failure, updated_at = now()
    FROM found f
    WHERE failure IS NOT NULL AND f.outcome = 'queued' AND i.import_id = f.import_id AND i.key = f.key
    RETURNING i.import_id, i.key, i.source, i.outcome, false AS had_failed
  ), settled AS (
    SELECT k.* FROM kept k UNION ALL SELECT f.* FROM failed f
  ), numbers AS (
    SELECT s.import_id, s.source,
      count(*) FILTER (WHERE s.outcome = 'created')::integer AS created,
      count(*) FILTER (WHERE s.outcome = 'updated')::integer AS updated,
      count(*) FILTER (WHERE s.outcome = 'unchanged')::integer AS unchanged,
      (count(*) FILTER (WHERE s.outcome = 'failed') - count(*) FILTER (WHERE s.had_failed))::integer AS failed,
      (count(*) - count(*) FILTER (WHERE s.had_failed))::integer AS settled
    FROM settled s GROUP BY s.import_id, s.source
  ), locked AS MATERIALIZED (
    SELECT s.import_id, s.source FROM import_sources s
    JOIN numbers n ON n.import_id = s.import_id AND n.source = s.source
    ORDER BY s.import_id, s.source FOR UPDATE OF s
  ), counted AS (
    UPDATE import_sources s SET
      created = s.created + n.created, updated = s.updated + n.updated, unchanged = s.unchanged + n.unchanged,
      failed = s.failed + n.failed, version = s.version + 1, updated_at = now(),
      (status, finished_at) = (
        SELECT CASE WHEN o.is_over THEN CASE WHEN s.error IS NULL THEN 'completed' ELSE 'failed' END ELSE s.status END,
          CASE WHEN o.is_over THEN now() ELSE s.finished_at END
        FROM (SELECT s.status = 'importing'
          AND s.created + s.updated + s.unchanged + s.failed + n.settled >= s.enqueued AS is_over) o
      )
    FROM numbers n, locked l
    WHERE l.import_id = n.import_id AND l.source = n.source AND s.import_id = n.import_id AND s.source = n.source
    RETURNING s.tenant, s.source
  ), forgotten AS (
    -- The source has to send what failed again, also where it has nothing new.
    UPDATE feed_sources f SET etag = NULL, last_modified = NULL
    FROM counted c
    WHERE failure IS NOT NULL AND f.tenant = c.tenant AND f.name = c.source
  )
  SELECT s.import_id, s.key, s.outcome FROM settled s
  UNION ALL
  SELECT d.import_id, d.key, d.outcome FROM dropped d
  UNION ALL
  SELECT f.import_id, f.key, f.outcome FROM found f
  WHERE NOT f.is_wanted AND NOT (f.outcome = 'queued');
END $$;
