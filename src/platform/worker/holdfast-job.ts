import { Job, type JobProgress } from 'bullmq';
import { redacted } from '../logging/redact';

const MAX_LOG_CHARACTERS = 10_000;
// It goes into the job and the event stream each time.
const MAX_PROGRESS_CHARACTERS = 32_768;

/** A job in its worker's hands: what its handler writes about it holds no secret, and is bounded. */
export class HoldfastJob extends Job {
  override log(logRow: string): Promise<number> {
    return super.log(redacted(logRow.slice(0, MAX_LOG_CHARACTERS)));
  }

  override updateProgress(progress: JobProgress): Promise<void> {
    if (typeof progress === 'number') return super.updateProgress(progress);
    const json = JSON.stringify(progress);
    if (json.length > MAX_PROGRESS_CHARACTERS) {
      const message = `The progress had ${json.length} characters; at most ${MAX_PROGRESS_CHARACTERS} are kept.`;
      return super.updateProgress({ message });
    }
    const clean = redacted(json);
    return super.updateProgress(clean === json ? progress : parsed(clean));
  }
}

/** Where what was hidden was no part of a text, the whole is told instead. */
function parsed(json: string): JobProgress {
  try {
    return JSON.parse(json) as JobProgress;
  } catch {
    return { message: json };
  }
}
