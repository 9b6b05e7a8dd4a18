CREATE TABLE "charter_requests" (
	"tenant" text NOT NULL,
	"id" text NOT NULL,
	"user_id" text NOT NULL,
	"caller" text,
	"message" text NOT NULL,
	"client_email" text,
	"client_name" text,
	"time_zone" text NOT NULL,
	"priority" text NOT NULL,
	"status" text DEFAULT 'received' NOT NULL,
	"round" integer DEFAULT 1 NOT NULL,
	"job_id" text NOT NULL,
	"extraction" jsonb,
	"provider" text,
	"usage" jsonb,
	"missing" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"answers" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"flow_id" text,
	"error" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"complete_at" timestamp (3) with time zone,
	"proposed_at" timestamp (3) with time zone,
	"version" bigint DEFAULT 1 NOT NULL,
	CONSTRAINT "charter_requests_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
CREATE TABLE "clients" (
	"tenant" text NOT NULL,
	"id" text NOT NULL,
	"email" text NOT NULL,
	"name" text,
	"phone" text,
	"company" text,
	"preferences" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"request_count" integer DEFAULT 0 NOT NULL,
	"last_request_at" timestamp (3) with time zone,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "clients_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
CREATE TABLE "charter_proposals" (
	"tenant" text NOT NULL,
	"id" text NOT NULL,
	"request_id" text NOT NULL,
	"options" jsonb NOT NULL,
	"rejected" jsonb NOT NULL,
	"caveats" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"recipient_email" text,
	"email_job_id" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (3) with time zone,
	CONSTRAINT "charter_proposals_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
CREATE TABLE "error_groups" (
	"tenant" text NOT NULL,
	"fingerprint" text NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"count" bigint DEFAULT 0 NOT NULL,
	"queues" text[] NOT NULL,
	"types" text[] NOT NULL,
	"error_name" text NOT NULL,
	"error_message" text NOT NULL,
	"dead_letter_id" text NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"first_version" text,
	"last_version" text,
	"is_regression" boolean DEFAULT false NOT NULL,
	"window_count" integer DEFAULT 0 NOT NULL,
	"window_number" bigint DEFAULT 0 NOT NULL,
	"decided_at" timestamp (3) with time zone,
	"decided_by" text,
	"decision_reason" text,
	CONSTRAINT "error_groups_tenant_fingerprint_pk" PRIMARY KEY("tenant","fingerprint")
);
--> statement-breakpoint
CREATE INDEX "charter_requests_newest" ON "charter_requests" USING btree ("tenant","created_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "charter_requests_status" ON "charter_requests" USING btree ("tenant","status","created_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "charter_requests_client" ON "charter_requests" USING btree ("tenant","client_email");--> statement-breakpoint
CREATE UNIQUE INDEX "clients_email" ON "clients" USING btree ("tenant","email");--> statement-breakpoint
CREATE UNIQUE INDEX "charter_proposals_request" ON "charter_proposals" USING btree ("tenant","request_id");--> statement-breakpoint
CREATE INDEX "error_groups_newest" ON "error_groups" USING btree ("tenant","last_seen_at" DESC NULLS FIRST,"fingerprint" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "error_groups_status" ON "error_groups" USING btree ("tenant","status","last_seen_at" DESC NULLS FIRST,"fingerprint" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "error_groups_age" ON "error_groups" USING btree ("last_seen_at");