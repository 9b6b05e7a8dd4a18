import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service';
import { StatementGatherer } from '../database/statement-gatherer';
import { ownerOf, type EffectJob } from './effect-owner';
import { claimFirstSteps, settleSteps } from './gathered-steps';
import { JobEffects, type SharedEffects } from './job-effects';

/** Lets handlers do each step of a job once, however often the job starts. */
@Injectable()
export class Effects {
  private readonly shared: SharedEffects;

  constructor(private readonly database: Database) {
    this.shared = {
      underWay: new Map(),
      claims: new StatementGatherer((steps) => claimFirstSteps(database, steps)),
      settlements: new StatementGatherer((steps) => settleSteps(database, steps)),
    };
  }

  /** The effects of one start of a job: pass what the handler was given. Throws for a job that was never started. */
  of(job: EffectJob, signal: AbortSignal): JobEffects {
    return new JobEffects(this.database, ownerOf(job), signal, this.shared);
  }
}
