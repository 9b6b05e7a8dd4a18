CREATE TABLE "dead_letter_cursors" (
	"queue" text PRIMARY KEY NOT NULL,
	"finished_at" bigint NOT NULL,
	"job_id" text NOT NULL,
	"looked_back_to" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dead_letters" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"queue" text NOT NULL,
	"job_id" text NOT NULL,
	"generation" integer DEFAULT 0 NOT NULL,
	"key" text,
	"type" text NOT NULL,
	"payload" text NOT NULL,
	"edited_payload" text,
	"options" json NOT NULL,
	"cause" text NOT NULL,
	"attempts" json NOT NULL,
	"attempts_made" integer NOT NULL,
	"attempts_max" integer NOT NULL,
	"error_name" text NOT NULL,
	"error_message" text NOT NULL,
	"error_stack" text,
	"fingerprint" text NOT NULL,
	"created_at" timestamp (3) with time zone,
	"finished_at" bigint NOT NULL,
	"parked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"status" text DEFAULT 'dead' NOT NULL,
	"changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"changed_by" text,
	"change_reason" text,
	"redrive_count" integer DEFAULT 0 NOT NULL,
	"redrive_order" json,
	"redriven_as" text,
	"redriven_from" text,
	"is_shown" boolean DEFAULT false NOT NULL,
	"is_shown_wanted" boolean DEFAULT true NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "dead_letters_death" ON "dead_letters" USING btree ("job_id","finished_at");--> statement-breakpoint
CREATE INDEX "dead_letters_newest" ON "dead_letters" USING btree ("tenant","finished_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "dead_letters_of_queue" ON "dead_letters" USING btree ("queue","status","finished_at","id");--> statement-breakpoint
CREATE INDEX "dead_letters_fingerprint" ON "dead_letters" USING btree ("fingerprint","finished_at");--> statement-breakpoint
CREATE INDEX "dead_letters_redriven_from" ON "dead_letters" USING btree ("redriven_from");--> statement-breakpoint
CREATE INDEX "dead_letters_redriven_as" ON "dead_letters" USING btree ("redriven_as");--> statement-breakpoint
CREATE INDEX "dead_letters_status" ON "dead_letters" USING btree ("status","changed_at");--> statement-breakpoint
CREATE INDEX "dead_letters_projection" ON "dead_letters" USING btree ("queue","finished_at") WHERE "is_shown" <> "is_shown_wanted";
--> statement-breakpoint
CREATE INDEX "dead_letters_undecided" ON "dead_letters" USING btree ("id") WHERE "status" = 'dead';
