CREATE SEQUENCE "feed_items_number";--> statement-breakpoint
DROP INDEX "feed_items_newest";--> statement-breakpoint
DROP INDEX "feed_items_of_source";--> statement-breakpoint
-- 0 for the items that are there: a number for each would write the whole table anew, with everybody else waiting.
ALTER TABLE "feed_items" ADD COLUMN "number" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "feed_items" ALTER COLUMN "number" SET DEFAULT nextval('feed_items_number');--> statement-breakpoint
CREATE INDEX "feed_items_newest" ON "feed_items" USING btree ("tenant","dated_at","number");--> statement-breakpoint
CREATE INDEX "feed_items_of_source" ON "feed_items" USING btree ("tenant","source","dated_at","number");
