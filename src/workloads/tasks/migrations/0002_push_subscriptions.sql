CREATE TABLE "push_subscriptions" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"service" text NOT NULL,
	"sealed" text NOT NULL,
	"vapid_key" text NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"renewed_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "push_subscriptions_by_user" ON "push_subscriptions" USING btree ("tenant","user_id","renewed_at","id");--> statement-breakpoint
CREATE INDEX "push_subscriptions_by_tenant" ON "push_subscriptions" USING btree ("tenant","created_at","id");--> statement-breakpoint
CREATE INDEX "push_subscriptions_by_end" ON "push_subscriptions" USING btree ("expires_at") WHERE "push_subscriptions"."expires_at" IS NOT NULL;