CREATE TABLE "notification_inboxes" (
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"version" bigint NOT NULL,
	"changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "notification_inboxes_tenant_user_id_pk" PRIMARY KEY("tenant","user_id")
);
--> statement-breakpoint
CREATE TABLE "notifications" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"title" text NOT NULL,
	"body" text NOT NULL,
	"type" text NOT NULL,
	"metadata" jsonb,
	"job_id" text NOT NULL,
	"position" bigint NOT NULL,
	"version" bigint NOT NULL,
	"read_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "notification_inboxes_by_age" ON "notification_inboxes" USING btree ("changed_at");--> statement-breakpoint
CREATE UNIQUE INDEX "notifications_by_user" ON "notifications" USING btree ("tenant","user_id","position");--> statement-breakpoint
CREATE INDEX "notifications_by_version" ON "notifications" USING btree ("tenant","user_id","version","position");--> statement-breakpoint
CREATE INDEX "notifications_unread" ON "notifications" USING btree ("tenant","user_id","position") WHERE "notifications"."read_at" IS NULL;--> statement-breakpoint
CREATE INDEX "notifications_by_age" ON "notifications" USING btree ("created_at");