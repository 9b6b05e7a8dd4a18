import { AllowedMethods } from './allowed-methods';

describe('the methods of a path', () => {
  const methods = new AllowedMethods(10);
  methods.add('GET', '/api/jobs/:id');
  methods.add(['DELETE', 'PATCH'], '/api/jobs/:id');
  methods.add('GET', '/api/jobs/:id');
  methods.add('POST', '/api/jobs');
  methods.add('GET', '/board/*');

  it.each([
    ['/api/jobs/1', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['/api/jobs/1?x=/', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['/api/jobs/a%2Fb', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['http://elsewhere/api/jobs', 'OPTIONS, POST'],
    ['/board/', 'GET, HEAD, OPTIONS'],
    ['/board/a/b', 'GET, HEAD, OPTIONS'],
  ])('of %s are %s', (target, expected) => {
    expect(methods.of(target).join(', ')).toBe(expected);
  });

  it.each([
    '/',
    '/api/jobs/',
    '/API/jobs',
    '/api//jobs',
    '/api/jobs/a/b',
    '/api/jobs/much-too-long',
    '/%',
    '*',
    '',
  ])('of %j are none', (target) => {
    expect(methods.of(target)).toEqual([]);
  });
});
