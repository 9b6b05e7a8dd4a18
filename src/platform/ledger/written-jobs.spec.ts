import { WrittenJobs } from './written-jobs';

const page = (...ids: string[]) => ids.map((id) => ({ id, score: '1000' }));

describe('WrittenJobs', () => {
  it('knows each end of a job once, in the set in which it was written', () => {
    const written = new WrittenJobs();
    written.note('completed:notes', page('a', 'b'));
    expect(written.takeOthers('failed:notes', page('a'))).toEqual(page('a'));
    expect(written.takeOthers('completed:notes', page('a', 'c'))).toEqual(page('c'));
    expect(written.takeOthers('completed:notes', page('a', 'b'))).toEqual(page('a'));
  });

  it('does not take a later end of a job for the one it knows', () => {
    const written = new WrittenJobs();
    written.note('completed:notes', page('a'));
    const again = [{ id: 'a', score: '2000' }];
    expect(written.takeOthers('completed:notes', again)).toEqual(again);
  });

  it('forgets the oldest beyond fifty thousand', () => {
    const written = new WrittenJobs();
    const ids = Array.from({ length: 50_010 }, (_, number) => `job-${number}`);
    written.note('completed:notes', page(...ids));
    expect(written.takeOthers('completed:notes', page(...ids))).toEqual(page(...ids.slice(0, 10)));
  });
});
