import { isRunId, newRunId } from './run-id';

describe('run ids', () => {
  it('are UUIDs of version 7, in the order of their time', () => {
    const ids = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000].map((time) => newRunId(time));
    expect(ids).toEqual([...ids].sort());
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(Array.from({ length: 1_000 }, () => newRunId(1))).size).toBe(1_000);
  });

  it.each(['', 'x', 'active', `${newRunId()}\n`, `{${newRunId()}}`, newRunId().replaceAll('-', '')])(
    'are not %j',
    (text) => {
      expect(isRunId(text)).toBe(false);
    },
  );
});
