CREATE TABLE "flows" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"key" text NOT NULL,
	"jobs" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"cancelled_at" timestamp (3) with time zone,
	"cancelled_by" text,
	"cancel_reason" text
);
--> statement-breakpoint
CREATE INDEX "flows_key" ON "flows" USING btree ("tenant","key","created_at");--> statement-breakpoint
CREATE INDEX "flows_age" ON "flows" USING btree ("created_at");