CREATE TABLE "effect_fences" (
	"job_id" text PRIMARY KEY NOT NULL,
	"life" bigint NOT NULL,
	"job_created_at" bigint NOT NULL,
	"starts" integer NOT NULL,
	"started_at" bigint NOT NULL,
	"touched_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "effects" (
	"job_id" text NOT NULL,
	"step" text NOT NULL,
	"life" bigint NOT NULL,
	"state" text NOT NULL,
	"result" text,
	"starts" integer NOT NULL,
	"written_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "effects_job_id_step_pk" PRIMARY KEY("job_id","step")
);
--> statement-breakpoint
ALTER TABLE "effects" ADD CONSTRAINT "effects_job_id_effect_fences_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."effect_fences"("job_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "effect_fences_by_age" ON "effect_fences" USING btree ("touched_at");