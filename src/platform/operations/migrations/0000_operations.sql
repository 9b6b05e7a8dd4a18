CREATE TABLE "operation_items" (
	"operation_id" text NOT NULL,
	"ordinal" integer NOT NULL,
	"target" text NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"wave" integer,
	"job_id" text,
	"generation" integer,
	"detail" text,
	CONSTRAINT "operation_items_operation_id_ordinal_pk" PRIMARY KEY("operation_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "operation_queues" (
	"queue" text PRIMARY KEY NOT NULL,
	"operation_id" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "operations" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"action" text NOT NULL,
	"status" text DEFAULT 'running' NOT NULL,
	"reason" text NOT NULL,
	"started_by" text NOT NULL,
	"request" json NOT NULL,
	"rate_per_second" integer,
	"uses_waves" boolean NOT NULL,
	"max_failure_ratio" double precision NOT NULL,
	"wave" integer DEFAULT 1 NOT NULL,
	"total" integer NOT NULL,
	"detail" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"next_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE INDEX "operation_items_status" ON "operation_items" USING btree ("operation_id","status","ordinal");--> statement-breakpoint
CREATE INDEX "operations_newest" ON "operations" USING btree ("tenant","created_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "operations_status" ON "operations" USING btree ("status","created_at");