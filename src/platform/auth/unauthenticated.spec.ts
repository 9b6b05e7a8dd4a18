import { localPath, loginInstead } from './unauthenticated';

describe('the way to the log-in', () => {
  it.each(['/docs', '/admin/queues/queue/default?page=2&status=failed', '/api/x?y=%2F%5C'])(
    'comes back to %s',
    (path) => {
      expect(localPath(path)).toBe(path);
    },
  );

  it.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'evil.example',
    '',
    '/x\r\nset-cookie: a=b',
    '/a\\b',
    `/${'x'.repeat(600)}`,
    undefined,
  ])('does not lead from %p to anywhere but here', (path) => {
    expect(localPath(path)).toBe('/admin/queues');
  });

  it('is shown to browsers that open a page, and to nobody else', () => {
    const page = { method: 'GET', url: '/docs', headers: { accept: 'text/html' } };
    expect(loginInstead(page)).toBe('/ui/login?next=%2Fdocs');
    expect(loginInstead({ ...page, method: 'POST' })).toBeUndefined();
    expect(loginInstead({ ...page, headers: { accept: '*/*' } })).toBeUndefined();
    expect(
      loginInstead({ ...page, headers: { accept: 'text/html', authorization: 'Bearer x' } }),
    ).toBeUndefined();
  });
});
