ALTER TABLE "api_keys" ADD COLUMN "requests_per_second" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "jobs_per_minute" integer;