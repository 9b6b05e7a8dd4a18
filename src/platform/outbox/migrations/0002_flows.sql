ALTER TABLE "outbox" ADD COLUMN "options" jsonb;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "children" jsonb;