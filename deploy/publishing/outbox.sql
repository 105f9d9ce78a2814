-- The transactional outbox of a source that keeps its records in PostgreSQL 13 or newer; outbox.md says how to use it.
--   psql -v ON_ERROR_STOP=1 -v source=ecms -f outbox.sql    once, as a superuser, in the application's database
-- The application inserts a row into needtoknow.outbox in the transaction in which the access happens. Debezium reads
-- needtoknow.message, which is written when that transaction commits, and not at all when it is rolled back.
\if :{?source}
\else
  DO $$ BEGIN RAISE EXCEPTION 'say whose accesses these are: psql -v source=ecms'; END $$;
  \quit
\endif
BEGIN;

DO $$
DECLARE wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['needtoknow_owner', 'needtoknow_writer', 'needtoknow_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN -- roles are the server's, not the database's
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    END IF;
  END LOOP;
END $$;
CREATE SCHEMA needtoknow AUTHORIZATION needtoknow_owner;
SET ROLE needtoknow_owner; -- the functions below act as their owner, who may do nothing else

CREATE DOMAIN needtoknow.id AS text CHECK (VALUE ~ '^[!-~]{1,200}$'); -- printable ASCII without spaces
CREATE DOMAIN needtoknow.kind AS text
  CHECK (VALUE IN ('person', 'case', 'intake', 'document', 'service', 'staff', 'criteria'));

CREATE FUNCTION needtoknow.are_candidates(found jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN jsonb_typeof(found) = 'array' THEN jsonb_array_length(found) <= 200 AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(found) AS one
    WHERE one IS DISTINCT FROM jsonb_build_object(
      'kind', (one ->> 'kind')::needtoknow.kind, 'id', (one ->> 'id')::needtoknow.id)
      OR jsonb_typeof(one -> 'kind') <> 'string' OR jsonb_typeof(one -> 'id') <> 'string'
  ) ELSE false END
$$;

-- How many accesses a source has numbered. A sequence leaves a gap where a transaction is rolled back, and here a gap
-- is a message that is missing. Whoever counts on holds this row until the commit is on disk.
CREATE TABLE needtoknow.counter (
  source text PRIMARY KEY CHECK (source ~ '^[a-z][a-z0-9_]{0,31}$'),
  last bigint NOT NULL DEFAULT 0
);
INSERT INTO needtoknow.counter VALUES (:'source');

-- One access, as the contract has it (schemas/published/access.v1.json): what is wrong with it fails at the INSERT.
CREATE TABLE needtoknow.outbox (
  source text NOT NULL DEFAULT :'source' REFERENCES needtoknow.counter,
  event_id needtoknow.id NOT NULL DEFAULT gen_random_uuid()::text,
  actor needtoknow.id NOT NULL, -- the login of a person, never the application's own
  requested_for needtoknow.id,
  action text NOT NULL CONSTRAINT outbox_action CHECK
    (action IN ('search', 'view', 'edit', 'print', 'export', 'disclose', 'subscribe', 'check_out', 'return')),
  record_kind needtoknow.kind NOT NULL,
  record_id needtoknow.id NOT NULL,
  candidates jsonb CONSTRAINT outbox_candidates CHECK
    (needtoknow.are_candidates(candidates) AND (candidates = '[]' OR action IN ('search', 'subscribe'))),
  recipient text CONSTRAINT outbox_recipient CHECK (char_length(recipient) BETWEEN 1 AND 500),
  agency needtoknow.id,
  purpose_code needtoknow.id,
  purpose_text text CONSTRAINT outbox_purpose_text CHECK (char_length(purpose_text) <= 2000),
  result text NOT NULL DEFAULT 'success' CONSTRAINT outbox_result CHECK (result IN ('success', 'denied', 'failed')),
  -- The clock, not now(), which stands still in a transaction. A day ahead is no clock error but a wrong date.
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp() CONSTRAINT outbox_occurred_at
    CHECK (occurred_at >= '1900-01-01Z' AND occurred_at < clock_timestamp() + interval '24 hours'),
  occurred_until timestamptz CONSTRAINT outbox_occurred_until
    CHECK (occurred_until >= occurred_at AND occurred_until < '10000-01-01Z'),
  session needtoknow.id,
  device needtoknow.id,
  batch_id needtoknow.id,
  object_count bigint CONSTRAINT outbox_object_count CHECK (object_count BETWEEN 0 AND 1000000000),
  PRIMARY KEY (source, event_id)
);

CREATE FUNCTION needtoknow.instant(at timestamptz) RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT to_char(date_trunc('milliseconds', at AT TIME ZONE 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- The canonical access: the contract's fields in its order, absent ones left out, no spaces.
CREATE FUNCTION needtoknow.access(o needtoknow.outbox, number bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(row_to_json(a))::text FROM (SELECT
    o.event_id, o.source, number AS sequence, o.actor, o.requested_for, o.action,
    (SELECT row_to_json(r) FROM (SELECT o.record_kind AS kind, o.record_id AS id) r) AS record,
    CASE WHEN o.candidates IS NOT NULL THEN coalesce(
      (SELECT json_agg(c) FROM jsonb_to_recordset(o.candidates) c(kind text, id text)), '[]') END AS candidates,
    o.recipient, o.agency,
    (SELECT row_to_json(p) FROM (SELECT o.purpose_code AS code, o.purpose_text AS text) p
      WHERE num_nonnulls(o.purpose_code, o.purpose_text) > 0) AS purpose,
    o.result, needtoknow.instant(o.occurred_at) AS occurred_at, needtoknow.instant(o.occurred_until) AS occurred_until,
    o.session, o.device, o.batch_id, o.object_count) a
$$;
ALTER TABLE needtoknow.outbox ADD CONSTRAINT outbox_is_larger_than_65536_bytes
  CHECK (octet_length(convert_to(needtoknow.access(outbox, 9223372036854775807), 'UTF8')) <= 65536);

-- The messages, byte for byte: text, since jsonb would spell them anew. Debezium reads what is inserted here.
CREATE TABLE needtoknow.message (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  key text NOT NULL, -- the record's id, as `needtoknow send` has it: the same access sent again meets itself
  content_type text NOT NULL,
  value text NOT NULL,
  event_id text, -- of the access; NULL: a heartbeat
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  made_at_lsn pg_lsn NOT NULL DEFAULT pg_current_wal_insert_lsn()
);
CREATE INDEX ON needtoknow.message (made_at);

-- Deferred, so that the counter is locked during the commit and not during the whole transaction, in which others may
-- hold what it waits for; and the order of the numbers is the order of the commits, in which Debezium reads.
CREATE FUNCTION needtoknow.number() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE next bigint;
BEGIN
  UPDATE needtoknow.counter SET last = last + 1 WHERE source = NEW.source RETURNING last INTO STRICT next;
  INSERT INTO needtoknow.message (source, key, content_type, value, event_id)
    VALUES (NEW.source, NEW.record_id, 'application/json', needtoknow.access(NEW, next), NEW.event_id);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER number AFTER INSERT ON needtoknow.outbox DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION needtoknow.number();

-- The source's word that it is there, also while nobody opens anything. Debezium calls it every few seconds, which
-- also lets the server throw away its log while nothing else is written here.
CREATE FUNCTION needtoknow.beat() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO needtoknow.message (source, key, content_type, value)
    SELECT source, 'heartbeat', 'application/vnd.needtoknow.heartbeat.v1+json', json_strip_nulls(row_to_json(b))::text
    FROM (SELECT source, needtoknow.instant(clock_timestamp()) AS at, nullif(last, 0) AS sequence
      FROM needtoknow.counter) b
$$;

-- Deletes what is older than `keep` and has been read. What is kept can be sent again should the slot be lost.
CREATE FUNCTION needtoknow.clean(keep interval DEFAULT '7 days') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE deleted bigint; confirmed pg_lsn;
BEGIN
  SELECT min(confirmed_flush_lsn) INTO confirmed FROM pg_replication_slots
    WHERE slot_name LIKE 'needtoknow%' AND database = current_database();
  IF confirmed IS NULL THEN
    RAISE EXCEPTION 'no replication slot needtoknow in this database: nobody reads the messages, none was deleted';
  END IF;
  WITH gone AS (
    DELETE FROM needtoknow.message WHERE made_at < clock_timestamp() - keep AND made_at_lsn < confirmed
    RETURNING source, event_id
  ), behind AS (DELETE FROM needtoknow.outbox o USING gone WHERE (o.source, o.event_id) = (gone.source, gone.event_id))
  SELECT count(*) INTO deleted FROM gone;
  RETURN deleted;
END $$;

REVOKE EXECUTE ON FUNCTION needtoknow.beat, needtoknow.clean, needtoknow.number FROM PUBLIC;
GRANT USAGE ON SCHEMA needtoknow TO needtoknow_writer, needtoknow_reader;
GRANT INSERT ON needtoknow.outbox TO needtoknow_writer; -- and nothing else: not even to read what others did
GRANT SELECT ON needtoknow.message TO needtoknow_reader;
GRANT EXECUTE ON FUNCTION needtoknow.beat TO needtoknow_reader;
RESET ROLE;
CREATE PUBLICATION needtoknow FOR TABLE needtoknow.message WITH (publish = 'insert'); -- clean-up is nobody's business
COMMIT;
