import type { SetPosition } from '../queue/job-sets.service';

// What a busy worker finishes in ten seconds; about 150 bytes each.
const MAX_REMEMBERED = 50_000;

/** The ends of jobs that this process has dealt with of late, so that nobody asks the database for them again. */
export class WrittenJobs {
  private readonly scores = new Map<string, string>();

  note(source: string, page: readonly SetPosition[]): void {
    for (const { id, score } of page) this.scores.set(`${source} ${id}`, score);
    for (const oldest of this.scores.keys()) {
      if (this.scores.size <= MAX_REMEMBERED) break;
      this.scores.delete(oldest);
    }
  }

  /** Those of the page that are not remembered; the others are forgotten. */
  takeOthers(source: string, page: readonly SetPosition[]): SetPosition[] {
    return page.filter(({ id, score }) => {
      const key = `${source} ${id}`;
      const isKnown = this.scores.get(key) === score;
      this.scores.delete(key);
      return !isKnown;
    });
  }
}
