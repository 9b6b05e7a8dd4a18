ALTER TABLE "import_items" ADD COLUMN "attempt" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "import_items" ADD COLUMN "is_shared" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "import_sources_cancelling" ON "import_sources" USING btree ("import_id") WHERE "import_sources"."status" = 'cancelled' AND "import_sources"."finished_at" IS NULL;