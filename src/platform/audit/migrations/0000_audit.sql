CREATE TABLE "audit_entries" (
	"seq" bigint PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"tenant" text NOT NULL,
	"actor" text NOT NULL,
	"role" text,
	"origin" text NOT NULL,
	"action" text NOT NULL,
	"target" text,
	"reason" text,
	"detail" text,
	"outcome" text NOT NULL,
	"status" integer,
	"request_id" text NOT NULL,
	"hash" text NOT NULL,
	"spool_id" text,
	CONSTRAINT "audit_entries_spool_id_unique" UNIQUE("spool_id")
);
--> statement-breakpoint
CREATE TABLE "audit_head" (
	"id" integer PRIMARY KEY NOT NULL,
	"seq" bigint NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "audit_entries_by_actor" ON "audit_entries" USING btree ("actor","seq");--> statement-breakpoint
CREATE INDEX "audit_entries_by_action" ON "audit_entries" USING btree ("action","seq");--> statement-breakpoint
CREATE INDEX "audit_entries_by_target" ON "audit_entries" USING btree ("target","seq");