import { MASK, masked } from './masked.decorator';

describe('a masked answer', () => {
  it('hides the members that are named, and leaves the original alone', () => {
    const body = { id: 7, result: { secret: 1 }, error: { name: 'E', message: 'secret' } };
    expect(masked(body, ['result', 'error.message'])).toEqual({
      id: 7,
      result: MASK,
      error: { name: 'E', message: MASK },
    });
    expect(body.error.message).toBe('secret');
  });

  it('reaches into each entry of a list, and each member of an object', () => {
    const body = { items: [{ value: 'a' }, { value: null }, {}], by: { x: { y: 1 } } };
    expect(masked(body, ['items.*.value', 'by.*.y'])).toEqual({
      items: [{ value: MASK }, { value: null }, {}],
      by: { x: { y: MASK } },
    });
  });

  it('adds nothing where there is nothing', () => {
    for (const body of [undefined, null, 'text', {}, { result: null }, { error: 'text' }]) {
      expect(masked(body, ['result', 'error.message', 'items.*.value'])).toEqual(body);
    }
  });
});
