CREATE TABLE "stored_files" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"name" text NOT NULL,
	"content_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"sha256" text NOT NULL,
	"blob" text NOT NULL,
	"created_by" text NOT NULL,
	"job_id" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "stored_files_by_tenant" ON "stored_files" USING btree ("tenant","created_at","id");--> statement-breakpoint
CREATE INDEX "stored_files_by_expiry" ON "stored_files" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "stored_files_by_blob" ON "stored_files" USING btree ("blob");