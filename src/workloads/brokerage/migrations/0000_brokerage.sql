CREATE TABLE "broker_activities" (
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"source" text NOT NULL,
	"external_id" text NOT NULL,
	"kind" text NOT NULL,
	"type" text NOT NULL,
	"symbol" text,
	"side" text,
	"quantity" numeric(38, 18),
	"price" numeric(38, 18),
	"cash" numeric(38, 18),
	"fee" numeric(38, 18),
	"currency" text,
	"occurred_at" timestamp (3) with time zone NOT NULL,
	"stored_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "broker_activities_tenant_user_id_source_external_id_pk" PRIMARY KEY("tenant","user_id","source","external_id")
);
--> statement-breakpoint
CREATE TABLE "broker_connections" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"name" text NOT NULL,
	"adapter" text NOT NULL,
	"settings" jsonb NOT NULL,
	"credentials" text NOT NULL,
	"schedule" jsonb NOT NULL,
	"is_paused" boolean DEFAULT false NOT NULL,
	"pause_reason" text,
	"next_run_at" timestamp (3) with time zone,
	"cursor" jsonb,
	"version" integer DEFAULT 1 NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "broker_sync_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"connection_id" uuid NOT NULL,
	"tenant" text NOT NULL,
	"trigger" text NOT NULL,
	"status" text NOT NULL,
	"job_id" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"pages" integer DEFAULT 0 NOT NULL,
	"received" integer DEFAULT 0 NOT NULL,
	"inserted" integer DEFAULT 0 NOT NULL,
	"updated" integer DEFAULT 0 NOT NULL,
	"throttled" integer DEFAULT 0 NOT NULL,
	"clock_ahead_ms" bigint,
	"reconciliation" jsonb,
	"error_message" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "trade_import_findings" (
	"import_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"row_number" integer NOT NULL,
	"line_number" integer,
	"column_name" text,
	"rule" text NOT NULL,
	"severity" text NOT NULL,
	"message" text NOT NULL,
	"value" text,
	CONSTRAINT "trade_import_findings_import_id_ordinal_pk" PRIMARY KEY("import_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "trade_imports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"file_id" text NOT NULL,
	"job_id" text NOT NULL,
	"status" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"columns" jsonb,
	"dialect" jsonb,
	"rows_read" integer DEFAULT 0 NOT NULL,
	"rows_inserted" integer DEFAULT 0 NOT NULL,
	"rows_duplicate" integer DEFAULT 0 NOT NULL,
	"rows_refused" integer DEFAULT 0 NOT NULL,
	"findings_stored" integer DEFAULT 0 NOT NULL,
	"summary" jsonb,
	"error_message" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "trade_notes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"title" text NOT NULL,
	"body" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"embedding" "bytea",
	"embedding_model" text,
	"embedded_version" integer,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "trade_reviews" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"job_id" text NOT NULL,
	"statistics" jsonb NOT NULL,
	"text" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "broker_sync_runs" ADD CONSTRAINT "broker_sync_runs_connection_id_broker_connections_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."broker_connections"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "trade_import_findings" ADD CONSTRAINT "trade_import_findings_import_id_trade_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."trade_imports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "broker_activities_by_time" ON "broker_activities" USING btree ("tenant","user_id","occurred_at","source","external_id");--> statement-breakpoint
CREATE INDEX "broker_connections_newest" ON "broker_connections" USING btree ("tenant","created_at","id");--> statement-breakpoint
CREATE INDEX "broker_connections_due" ON "broker_connections" USING btree ("next_run_at") WHERE "broker_connections"."next_run_at" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "broker_sync_runs_open" ON "broker_sync_runs" USING btree ("connection_id") WHERE "broker_sync_runs"."status" IN ('queued', 'running');--> statement-breakpoint
CREATE INDEX "broker_sync_runs_newest" ON "broker_sync_runs" USING btree ("connection_id","created_at","id");--> statement-breakpoint
CREATE INDEX "broker_sync_runs_by_job" ON "broker_sync_runs" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "broker_sync_runs_unfinished" ON "broker_sync_runs" USING btree ("updated_at") WHERE "broker_sync_runs"."status" IN ('queued', 'running');--> statement-breakpoint
CREATE UNIQUE INDEX "trade_imports_by_job" ON "trade_imports" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "trade_imports_newest" ON "trade_imports" USING btree ("tenant","created_at","id");--> statement-breakpoint
CREATE INDEX "trade_imports_by_age" ON "trade_imports" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "trade_notes_newest" ON "trade_notes" USING btree ("tenant","user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "trade_notes_by_model" ON "trade_notes" USING btree ("tenant","user_id","embedding_model");--> statement-breakpoint
CREATE UNIQUE INDEX "trade_reviews_by_job" ON "trade_reviews" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "trade_reviews_newest" ON "trade_reviews" USING btree ("tenant","user_id","created_at","id");