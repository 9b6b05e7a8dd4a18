import 'reflect-metadata';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsEmail,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import * as fc from 'fast-check';
import { checkPayload } from './job-payload';
import { acceptanceOf } from './payload-acceptance';

class Everyday {
  @IsString()
  @Length(1, 5)
  text!: string;

  @IsOptional()
  @IsInt()
  @Min(-2)
  @Max(3)
  count?: number;

  @IsBoolean()
  flag = true;

  @ValidateIf((object: Everyday) => object.flag)
  @IsIn(['a', 'b', 1])
  choice?: unknown;

  @IsOptional()
  @Matches(/^x+$/)
  @MaxLength(3)
  pattern?: string;

  @IsOptional()
  @IsEmail()
  mail?: string;

  @IsOptional()
  @IsUUID()
  id?: string;
}

class Heir extends Everyday {
  @IsInt()
  more!: number;
}

class Inner {
  @IsInt()
  number!: number;
}

class Nested {
  @IsObject()
  @ValidateNested()
  @Type(() => Inner)
  inner!: Inner;
}

class Listed {
  @IsArray()
  @ArrayMaxSize(2)
  list!: unknown[];

  @IsOptional()
  @IsObject()
  map?: object;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Inner)
  inners?: Inner[];

  @ValidateIf((object: Listed) => object.map !== undefined)
  @IsString({ each: true })
  words?: string[];
}

class Transformed {
  @Transform(({ value }) => Number(value))
  @IsInt()
  number!: number;
}

class Undecorated {
  number?: number;
}

const types = [Everyday, Heir, Nested, Listed, Transformed, Undecorated];
const names = [
  'text',
  'count',
  'flag',
  'choice',
  'pattern',
  'mail',
  'id',
  'more',
  'inner',
  'number',
  'list',
  'map',
  'inners',
  'words',
];
const values = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'b',
    'xx',
    'xxxx',
    'a@b.co',
    '0b6f3a52-7a4b-4b5e-9d1c-3f1f7d0a9e11',
    '3',
    'abcdef',
  ),
  fc.constantFrom(0, 1, 3, 4, -2, -3, 1.5, NaN, Infinity, 1e20),
  fc.constantFrom(true, false, null, undefined),
  fc.constantFrom({}, [], ['a'], ['a', 2, null], { number: 1 }, { number: 'x' }),
  fc.constantFrom({ toString: 1 }, { deep: {} }, [['a']], [{ number: 1 }], [undefined], { a: undefined }),
  fc.constant(JSON.parse('{"__proto__": 1}') as object),
);
const keys = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...names) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'other') },
);
const payloads = fc.oneof(
  fc.dictionary(keys, values),
  // Right for the most part, so that accepting is tried as often as refusing.
  fc
    .tuple(
      fc.constantFrom<object>(
        { text: 'abc', choice: 'a' },
        { text: 'abc', choice: 'a', more: 1 },
        { list: ['a'], map: { a: 1, b: 'x' }, words: ['a'] },
        { list: [1, null] },
      ),
      fc.dictionary(keys, values, { maxKeys: 2 }),
    )
    .map(([right, other]) => ({ ...right, ...other })),
);

/** What class-validator alone says: an object with a prototype of its own always goes the long way. */
async function judgedByClassValidator(type: new () => object, data: object): Promise<boolean> {
  const disguised = Object.assign(Object.create({}) as object, data);
  return checkPayload('job', type, disguised).then(
    () => true,
    () => false,
  );
}

describe('the quick check of a payload', () => {
  it.each(types)('takes nothing that class-validator refuses: %p', async (type) => {
    await fc.assert(
      fc.asyncProperty(payloads, async (data) => {
        const taken = acceptanceOf<object>(type)(data);
        if (taken === undefined) return;
        expect(await judgedByClassValidator(type, data)).toBe(true);
        expect(taken).toBeInstanceOf(type);
        expect({ ...taken }).toEqual({ ...new type(), ...data });
      }),
      { numRuns: 500 },
    );
  });

  it.each([Everyday, Heir])('takes every flat payload that class-validator takes: %p', async (type) => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(payloads, async (data) => {
        // What every object has, class-transformer passes over: such a payload goes the long way.
        if (!Object.keys(data).every((name) => names.includes(name))) return;
        const isFlat = Object.values(data).every((value) => typeof value !== 'object' || value === null);
        if (!isFlat || !(await judgedByClassValidator(type, data))) return;
        taken += 1;
        expect(acceptanceOf<object>(type)(data)).toBeDefined();
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  it('takes lists and objects of simple values, and payloads without what is nested', () => {
    expect(acceptanceOf(Listed)({ list: ['a', 1] })).toEqual({ list: ['a', 1] });
    expect(acceptanceOf(Listed)({ list: [], words: ['a'], map: {} })).toBeUndefined();
    expect(acceptanceOf(Listed)({ list: [], inners: [] })).toBeUndefined();
    expect(acceptanceOf(Listed)({ list: ['a', 'b', 'c'] })).toBeUndefined();
    expect(acceptanceOf(Listed)({ list: [{}] })).toBeUndefined();
  });

  it('leaves what is nested, transformed or undecorated to class-validator', () => {
    expect(acceptanceOf(Nested)({ inner: { number: 1 } })).toBeUndefined();
    expect(acceptanceOf(Transformed)({ number: 1 })).toBeUndefined();
    expect(acceptanceOf(Undecorated)({})).toBeUndefined();
  });

  it('leaves objects with a prototype of their own to class-validator', () => {
    class Sly {
      text = 'abc';
      choice = 'a';
    }
    expect(acceptanceOf(Everyday)(new Sly())).toBeUndefined();
    expect(acceptanceOf(Everyday)({ ...new Sly() })).toMatchObject({ text: 'abc', flag: true });
  });
});
