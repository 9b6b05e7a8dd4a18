CREATE TABLE "fleet_aircraft" (
	"tenant" text NOT NULL,
	"id" text NOT NULL,
	"registration" text NOT NULL,
	"type" text NOT NULL,
	"category" text NOT NULL,
	"operator_name" text NOT NULL,
	"operator_rating" numeric(2, 1) NOT NULL,
	"home_base" text NOT NULL,
	"seats" integer NOT NULL,
	"range_nm" integer NOT NULL,
	"cruise_kt" integer NOT NULL,
	"runway_ft" integer NOT NULL,
	"hourly_usd" integer NOT NULL,
	"crew_overnight_usd" integer NOT NULL,
	"fee_percent" integer DEFAULT 100 NOT NULL,
	"minimum_hours_per_day" numeric(3, 1) DEFAULT 0 NOT NULL,
	"positioning" text DEFAULT 'return' NOT NULL,
	"availability" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "fleet_aircraft_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
CREATE TABLE "fleet_bookings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"aircraft_id" text NOT NULL,
	"kind" text NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"ends_at" timestamp with time zone NOT NULL,
	"reference" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fleet_seeds" (
	"tenant" text PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "fleet_aircraft_registration" ON "fleet_aircraft" USING btree ("tenant","registration");--> statement-breakpoint
CREATE INDEX "fleet_bookings_of" ON "fleet_bookings" USING btree ("tenant","aircraft_id","ends_at");