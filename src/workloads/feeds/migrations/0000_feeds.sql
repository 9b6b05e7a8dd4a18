CREATE TABLE "feed_items" (
	"key" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"source" text NOT NULL,
	"guid" text NOT NULL,
	"fingerprint" text NOT NULL,
	"document" jsonb NOT NULL,
	"search" "tsvector" GENERATED ALWAYS AS (setweight(to_tsvector('simple', coalesce(left(document ->> 'title', 2000), '')), 'A') || setweight(to_tsvector('simple', coalesce(left(document #>> '{summary,value}', 20000), '')), 'B') || setweight(to_tsvector('simple', coalesce(left(document #>> '{content,value}', 100000), '')), 'D')) STORED,
	"dated_at" timestamp with time zone NOT NULL,
	"import_id" uuid NOT NULL,
	"seen_at" bigint NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "feed_sources" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"mapping" jsonb,
	"paging" jsonb,
	"headers" jsonb,
	"schedule" text,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"jitter_seconds" integer DEFAULT 0 NOT NULL,
	"rate_max" integer,
	"rate_duration_ms" integer,
	"enabled" boolean DEFAULT true NOT NULL,
	"etag" text,
	"last_modified" text,
	"next_run_at" timestamp with time zone,
	"version" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "import_items" (
	"import_id" uuid NOT NULL,
	"key" text NOT NULL,
	"source" text NOT NULL,
	"guid" text NOT NULL,
	"is_first" boolean NOT NULL,
	"fingerprint" text NOT NULL,
	"document" jsonb,
	"outcome" text DEFAULT 'queued' NOT NULL,
	"error" text,
	"seen_at" bigint NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "import_items_import_id_key_pk" PRIMARY KEY("import_id","key")
);
--> statement-breakpoint
CREATE TABLE "import_rejections" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"import_id" uuid NOT NULL,
	"source" text NOT NULL,
	"position" integer NOT NULL,
	"reason" text NOT NULL,
	"detail" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "import_sources" (
	"import_id" uuid NOT NULL,
	"source" text NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"source_id" uuid,
	"url" text,
	"mapping" jsonb,
	"paging" jsonb,
	"status" text DEFAULT 'queued' NOT NULL,
	"job_id" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"postponed" integer DEFAULT 0 NOT NULL,
	"format" text,
	"title" text,
	"not_modified" boolean DEFAULT false NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"offered" integer DEFAULT 0 NOT NULL,
	"rejected" integer DEFAULT 0 NOT NULL,
	"skipped" integer DEFAULT 0 NOT NULL,
	"duplicates" integer DEFAULT 0 NOT NULL,
	"enqueued" integer DEFAULT 0 NOT NULL,
	"created" integer DEFAULT 0 NOT NULL,
	"updated" integer DEFAULT 0 NOT NULL,
	"unchanged" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"broken" text,
	"error" text,
	"version" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	CONSTRAINT "import_sources_import_id_source_pk" PRIMARY KEY("import_id","source")
);
--> statement-breakpoint
CREATE TABLE "imports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"trigger" text NOT NULL,
	"caller" text,
	"created_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "feed_items_search" ON "feed_items" USING gin ("search");--> statement-breakpoint
CREATE INDEX "feed_items_newest" ON "feed_items" USING btree ("tenant","dated_at","key");--> statement-breakpoint
CREATE INDEX "feed_items_of_source" ON "feed_items" USING btree ("tenant","source","dated_at","key");--> statement-breakpoint
CREATE UNIQUE INDEX "feed_sources_name" ON "feed_sources" USING btree ("tenant","name");--> statement-breakpoint
CREATE INDEX "feed_sources_newest" ON "feed_sources" USING btree ("tenant","created_at","id");--> statement-breakpoint
CREATE INDEX "feed_sources_due" ON "feed_sources" USING btree ("next_run_at") WHERE "feed_sources"."enabled" AND "feed_sources"."next_run_at" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "import_items_queued" ON "import_items" USING btree ("key") WHERE "import_items"."outcome" = 'queued';--> statement-breakpoint
CREATE INDEX "import_items_unstored" ON "import_items" USING btree ("key") WHERE "import_items"."outcome" IN ('failed', 'cancelled');--> statement-breakpoint
CREATE INDEX "import_items_cancelled" ON "import_items" USING btree ("import_id") WHERE "import_items"."outcome" = 'cancelled' AND "import_items"."document" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "import_rejections_import" ON "import_rejections" USING btree ("import_id","source","id");--> statement-breakpoint
CREATE UNIQUE INDEX "import_sources_running" ON "import_sources" USING btree ("tenant","source") WHERE "import_sources"."url" IS NOT NULL AND "import_sources"."status" IN ('queued', 'fetching', 'importing');--> statement-breakpoint
CREATE INDEX "import_sources_unfinished" ON "import_sources" USING btree ("updated_at") WHERE "import_sources"."status" IN ('queued', 'fetching', 'importing');--> statement-breakpoint
CREATE INDEX "imports_newest" ON "imports" USING btree ("tenant","created_at","id");