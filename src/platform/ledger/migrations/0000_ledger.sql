CREATE TABLE "ledger_attempts" (
	"job_id" text COLLATE "C" NOT NULL,
	"job_created_at" timestamp with time zone NOT NULL,
	"start" integer NOT NULL,
	"at" bigint NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"worker" text,
	"version" text,
	"outcome" text NOT NULL,
	"cause" text,
	"error_group" text,
	"error_name" text,
	"error_message" text,
	CONSTRAINT "ledger_attempts_job_id_job_created_at_start_at_pk" PRIMARY KEY("job_id","job_created_at","start","at")
) PARTITION BY RANGE ("job_created_at");
--> statement-breakpoint
CREATE TABLE "ledger_cursors" (
	"source" text PRIMARY KEY NOT NULL,
	"position" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_jobs" (
	"id" text COLLATE "C" NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"tenant" text NOT NULL,
	"queue" text NOT NULL,
	"type" text NOT NULL,
	"key" text COLLATE "C",
	"state" text NOT NULL,
	"priority" text NOT NULL,
	"run_at" timestamp with time zone,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"wait_ms" bigint,
	"run_ms" bigint,
	"attempts_made" integer NOT NULL,
	"attempts_max" integer NOT NULL,
	"starts" integer NOT NULL,
	"worker" text,
	"error_group" text,
	"error_name" text,
	"error_message" text,
	"result" text,
	"result_omitted" boolean NOT NULL,
	"terms" text[],
	"caller" text,
	"correlation_id" text NOT NULL,
	"generation" integer NOT NULL,
	"version" integer NOT NULL,
	"observed_at" bigint NOT NULL,
	CONSTRAINT "ledger_jobs_id_created_at_pk" PRIMARY KEY("id","created_at")
) PARTITION BY RANGE ("created_at");

--> statement-breakpoint
CREATE TABLE "ledger_attempts_rest" PARTITION OF "ledger_attempts" DEFAULT;
--> statement-breakpoint
CREATE TABLE "ledger_jobs_rest" PARTITION OF "ledger_jobs" DEFAULT;
--> statement-breakpoint
CREATE INDEX "ledger_jobs_time" ON "ledger_jobs" ("created_at", "id");
--> statement-breakpoint
CREATE INDEX "ledger_jobs_queue" ON "ledger_jobs" ("queue", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "ledger_jobs_type" ON "ledger_jobs" ("type", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "ledger_jobs_state" ON "ledger_jobs" ("state", "created_at", "id") WHERE "state" <> 'completed';
--> statement-breakpoint
CREATE INDEX "ledger_jobs_key" ON "ledger_jobs" ("key", "created_at") WHERE "key" IS NOT NULL;
--> statement-breakpoint
CREATE INDEX "ledger_jobs_error_group" ON "ledger_jobs" ("error_group", "created_at", "id") WHERE "error_group" IS NOT NULL;
--> statement-breakpoint
CREATE INDEX "ledger_jobs_error_time" ON "ledger_jobs" ("created_at", "id") WHERE "error_message" IS NOT NULL;
--> statement-breakpoint
CREATE INDEX "ledger_jobs_terms" ON "ledger_jobs" USING gin ("terms") WHERE "terms" IS NOT NULL;
--> statement-breakpoint
CREATE INDEX "ledger_jobs_live" ON "ledger_jobs" ("observed_at") WHERE "finished_at" IS NULL;
--> statement-breakpoint
-- A server that lacks the extension, or does not let us create it, searches error texts without an index.
DO $$
BEGIN
	CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE 'pg_trgm is not available: %', SQLERRM;
END $$;
--> statement-breakpoint
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_opclass WHERE opcname = 'gin_trgm_ops' AND pg_opclass_is_visible(oid)) THEN
		CREATE INDEX "ledger_jobs_error_text" ON "ledger_jobs" USING gin ("error_message" gin_trgm_ops)
			WHERE "error_message" IS NOT NULL;
	END IF;
END $$;
