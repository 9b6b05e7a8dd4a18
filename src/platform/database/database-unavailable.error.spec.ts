import { DatabaseUnavailableError, isDatabaseAway } from './database-unavailable.error';

const refused = (code: string) => Object.assign(new Error('refused'), { code, severity: 'FATAL' });

describe('an error means that the database is away', () => {
  it.each([
    ['08006', 'a connection that broke'],
    ['57P01', 'a server that stops'],
    ['57P03', 'a server that starts'],
    ['57014', 'a statement that took longer than it may'],
    ['53300', 'too many clients'],
    ['28P01', 'a password that was changed meanwhile'],
    ['28000', 'a user that is locked out'],
    ['3D000', 'a database that is not there yet'],
    ['25006', 'a replica, after the primary has moved'],
  ])('with code %s: %s', (code) => {
    expect(isDatabaseAway(refused(code))).toBe(true);
    expect(isDatabaseAway(new Error('Failed query', { cause: refused(code) }))).toBe(true);
  });

  it('when the error says so itself, or its connection cannot be made', () => {
    expect(isDatabaseAway(new DatabaseUnavailableError('Away.'))).toBe(true);
    const socket = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' });
    expect(isDatabaseAway(socket)).toBe(true);
  });

  it.each(['23505', '22P02', '42P01', '40001'])('but not with code %s, which is about the query', (code) => {
    expect(isDatabaseAway(refused(code))).toBe(false);
  });

  it('but not with a missing file of ours', () => {
    expect(isDatabaseAway(Object.assign(new Error('open'), { code: 'ENOENT', syscall: 'open' }))).toBe(false);
  });
});
