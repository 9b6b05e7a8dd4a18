CREATE TABLE "rule_sets" (
	"tenant" text DEFAULT 'default' NOT NULL,
	"name" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"definition" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rule_sets_tenant_name_pk" PRIMARY KEY("tenant","name")
);
--> statement-breakpoint
CREATE TABLE "validation_findings" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"row_number" integer NOT NULL,
	"line_number" integer,
	"column_name" text,
	"rule" text NOT NULL,
	"severity" text NOT NULL,
	"message" text NOT NULL,
	"value" text,
	CONSTRAINT "validation_findings_run_id_ordinal_pk" PRIMARY KEY("run_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "validation_logs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"validation_run_id" uuid NOT NULL,
	"source" text NOT NULL,
	"level" text DEFAULT 'info' NOT NULL,
	"message" text NOT NULL,
	"timestamp" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "validation_removals" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "validation_rows" (
	"run_id" uuid NOT NULL,
	"row_number" integer NOT NULL,
	"record" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "validation_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"file_id" uuid NOT NULL,
	"file_name" text NOT NULL,
	"file_bytes" bigint DEFAULT 0 NOT NULL,
	"status" text DEFAULT 'queued' NOT NULL,
	"stage" text,
	"progress" numeric(5, 2) DEFAULT 0 NOT NULL,
	"job_id" text,
	"error_message" text,
	"attempt" integer DEFAULT 0 NOT NULL,
	"rule_set_name" text,
	"rule_set" jsonb,
	"rows_read" integer DEFAULT 0 NOT NULL,
	"rows_valid" integer DEFAULT 0 NOT NULL,
	"rows_invalid" integer DEFAULT 0 NOT NULL,
	"findings_stored" integer DEFAULT 0 NOT NULL,
	"findings_so_far" bigint DEFAULT 0 NOT NULL,
	"summary" jsonb,
	"dialect" jsonb,
	"columns" jsonb,
	"report_bytes" bigint,
	"correlation_id" text,
	"previous_run_id" uuid,
	"version" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE INDEX "validation_logs_run" ON "validation_logs" USING btree ("validation_run_id","id");--> statement-breakpoint
CREATE INDEX "validation_rows_run" ON "validation_rows" USING brin ("run_id");--> statement-breakpoint
CREATE INDEX "validation_runs_newest" ON "validation_runs" USING btree ("tenant","created_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "validation_runs_unfinished" ON "validation_runs" USING btree ("status","updated_at");