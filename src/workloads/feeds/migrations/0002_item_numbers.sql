DROP INDEX "feed_items_newest";--> statement-breakpoint
DROP INDEX "feed_items_of_source";--> statement-breakpoint
ALTER TABLE "feed_items" ADD COLUMN "number" bigserial NOT NULL;--> statement-breakpoint
CREATE INDEX "feed_items_newest" ON "feed_items" USING btree ("tenant","dated_at","number");--> statement-breakpoint
CREATE INDEX "feed_items_of_source" ON "feed_items" USING btree ("tenant","source","dated_at","number");