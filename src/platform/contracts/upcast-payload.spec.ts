import { PayloadUpcastError, upcastPayload } from './upcast-payload';

class Payload {
  text?: string;
}

describe('an older payload', () => {
  const definition = {
    payload: Payload,
    version: 3,
    upcast: {
      1: ({ name, ...rest }: Record<string, unknown>) => ({ ...rest, names: [name] }),
      2: (payload: Record<string, unknown>) => ({ ...payload, seen: 2 }),
    },
  };

  it('goes through every step between its version and the declared one', () => {
    expect(upcastPayload('t', definition, 1, { name: 'a', x: 1 })).toEqual({ x: 1, names: ['a'], seen: 2 });
    expect(upcastPayload('t', definition, 2, { names: [] })).toEqual({ names: [], seen: 2 });
    expect(upcastPayload('t', definition, 3, { names: [] })).toEqual({ names: [] });
  });

  it('is not changed itself', () => {
    const stored = { name: { first: 'a' } };
    const changing = {
      ...definition,
      version: 2,
      upcast: {
        1: (payload: Record<string, unknown>) => Object.assign(payload, { name: 'changed' }),
      },
    };
    expect(upcastPayload('t', changing, 1, stored)).toEqual({ name: 'changed' });
    expect(stored).toEqual({ name: { first: 'a' } });
  });

  it('is refused where a step is missing, throws, or gets no object', () => {
    const broken = { ...definition, upcast: { 1: () => Object.assign([]) as Record<string, unknown> } };
    expect(() => upcastPayload('t', { ...definition, upcast: {} }, 1, {})).toThrow(
      'payload of job "t" cannot go from version 1 to 2: no up-caster is declared',
    );
    const throwing = {
      ...definition,
      upcast: {
        1: () => {
          throw new TypeError('x'.repeat(5_000));
        },
      },
    };
    expect(() => upcastPayload('t', throwing, 1, {})).toThrow(PayloadUpcastError);
    expect(() => upcastPayload('t', throwing, 1, {})).toThrow(/^.{1,1000}$/);
    expect(() =>
      upcastPayload('t', { ...definition, upcast: { ...definition.upcast, ...broken.upcast } }, 1, {}),
    ).toThrow('cannot go from version 2 to 3: it is not an object');
    expect(() => upcastPayload('t', definition, 1, 'text')).toThrow('it is not an object');
  });
});
