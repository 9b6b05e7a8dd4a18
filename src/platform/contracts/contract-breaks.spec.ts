import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsEmail,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { defineQueue, type JobDefinition, type PayloadClass } from '../queue/define-queue';
import { compareContracts } from './contract-breaks';
import { contractsOf, type Contracts, type Fields } from './payload-contract';

class Attachment {
  @IsString()
  name!: string;

  @IsOptional()
  @IsInt()
  bytes?: number;
}

class Letter {
  @IsEmail({}, { each: true })
  @IsArray()
  @ArrayMaxSize(10)
  to!: string[];

  @IsString()
  @MaxLength(200)
  subject!: string;

  @IsOptional()
  @IsIn(['a4', 'letter'])
  paper?: string;

  @IsInt()
  @Min(1)
  @Max(5)
  copies!: number;

  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => Attachment)
  attachments?: Attachment[];
}

function declare(payload: PayloadClass, more: Partial<JobDefinition> = {}, name = 'mail'): Contracts {
  const queue = defineQueue({
    name,
    domain: 'test',
    description: 'Letters.',
    jobs: { 'send-letter': { payload, ...more } },
    worker: { concurrency: 1 },
  });
  return contractsOf([queue]);
}

const recorded = declare(Letter);
const upcast = { 1: (payload: Record<string, unknown>) => payload };

const letter = recorded['send-letter']?.fields ?? {};
const withFields = (fields: Fields): Contracts => ({
  'send-letter': { queue: 'mail', version: 1, fields },
});

/** The letter with some of its fields under other rules. */
function changed(rules: Record<string, readonly PropertyDecorator[]>): Contracts {
  class Changed {
    message?: string;
  }
  for (const [name, decorators] of Object.entries(rules)) {
    decorators.forEach((decorate) => decorate(Changed.prototype, name));
  }
  const fields = Object.entries(declare(Changed)['send-letter']?.fields ?? {});
  const typed = fields.map(([name, field]) => [name, { ...field, type: letter[name]?.type ?? field.type }]);
  return withFields({ ...letter, ...(Object.fromEntries(typed) as Fields) });
}

function without(name: string): Contracts {
  const { [name]: _gone, ...fields } = letter;
  return withFields(fields);
}

describe('the contract of a job type', () => {
  it('has its fields, their types and every rule with its constraints', () => {
    expect(recorded).toEqual({
      'send-letter': {
        queue: 'mail',
        version: 1,
        fields: {
          attachments: {
            type: 'Array',
            required: false,
            rules: { 'each nestedValidation': [] },
            fields: {
              bytes: { type: 'Number', required: false, rules: { isInt: [] } },
              name: { type: 'String', required: true, rules: { isString: [] } },
            },
          },
          copies: { type: 'Number', required: true, rules: { isInt: [], max: [5], min: [1] } },
          paper: { type: 'String', required: false, rules: { isIn: [['a4', 'letter']] } },
          subject: { type: 'String', required: true, rules: { isString: [], maxLength: [200] } },
          to: {
            type: 'Array',
            required: true,
            rules: { arrayMaxSize: [10], 'each isEmail': [{}], isArray: [] },
          },
        },
      },
    });
  });

  it('survives a file', () => {
    class Odd {
      @Matches(/^a+$/i)
      @Matches(/b/)
      text!: string;

      @ValidateIf(() => true)
      @IsObject()
      more!: object;
    }
    const contracts = declare(Odd);
    expect(JSON.parse(JSON.stringify(contracts))).toEqual(contracts);
    expect(Object.keys(contracts['send-letter']?.fields['text']?.rules ?? {})).toEqual([
      'matches',
      'matches 2',
    ]);
  });

  it.each<[string, Contracts, string]>([
    ['a type that is gone', {}, 'Job type "send-letter" is gone'],
    ['a type that has moved', declare(Letter, {}, 'post'), 'has moved to queue "post"'],
    ['a field that is gone', without('paper'), 'field /paper is gone'],
    ['a new required field', changed({ colour: [IsString()] }), 'field /colour is new and required'],
    [
      'a field that is required now',
      changed({ paper: [IsIn(['a4', 'letter'])] }),
      'field /paper is required now',
    ],
    [
      'a new rule',
      changed({ subject: [IsString(), MaxLength(200), Matches(/x/)] }),
      'has a new rule, matches',
    ],
    [
      'a shorter text',
      changed({ subject: [IsString(), MaxLength(100)] }),
      'field /subject narrows its rule from maxLength [200] to maxLength [100]',
    ],
    ['a higher minimum', changed({ copies: [IsInt(), Min(2), Max(5)] }), 'narrows its rule from min [1]'],
    ['a lower maximum', changed({ copies: [IsInt(), Min(1), Max(4)] }), 'narrows its rule from max [5]'],
    ['another type of number', changed({ copies: [IsNumber(), Min(1), Max(5)] }), 'has a new rule, isNumber'],
    [
      'fewer words to choose from',
      changed({ paper: [IsOptional(), IsIn(['a4'])] }),
      'field /paper narrows its rule from isIn [["a4","letter"]] to isIn [["a4"]]',
    ],
    [
      'a shorter list',
      changed({ to: [IsArray(), ArrayMaxSize(9), IsEmail({}, { each: true })] }),
      'narrows its rule from arrayMaxSize [10]',
    ],
    [
      'an option whose effect cannot be told',
      changed({ to: [IsArray(), ArrayMaxSize(10), IsEmail({ require_tld: false }, { each: true })] }),
      'field /to changes its rule from each isEmail',
    ],
  ])('is broken by %s', (_name, now, sentence) => {
    const { breaks } = compareContracts(recorded, now);
    expect(breaks).toHaveLength(1);
    expect(breaks[0]).toContain(sentence);
  });

  it('is broken by a change within a list of objects, by another type, and by a condition that is gone', () => {
    class SmallAttachment {
      @IsString()
      @Length(1, 10)
      name!: string;

      @IsOptional()
      @IsInt()
      bytes?: number;
    }
    class NarrowLetter extends Letter {
      @Type(() => SmallAttachment)
      declare attachments?: SmallAttachment[];
    }
    expect(compareContracts(recorded, declare(NarrowLetter)).breaks).toEqual([
      'Job type "send-letter", field /attachments/name has a new rule, isLength [1,10]: ' +
        'undo it, or declare version 2 and upcast[1].',
    ]);
    class Text {
      @ValidateIf(() => false)
      @IsString()
      body!: string;
    }
    class Strict {
      @IsString()
      body!: object;
    }
    expect(compareContracts(declare(Text), declare(Strict)).breaks).toEqual([
      expect.stringContaining('field /body has changed from String to Object'),
      expect.stringContaining('has lost the rule conditionalValidation'),
    ]);
  });

  it('is broken by an older version, and by none of it with a newer one', () => {
    const second = declare(Attachment, { version: 2, upcast });
    expect(compareContracts(recorded, second)).toEqual({
      breaks: [],
      news: ['Job type "send-letter" has gone to version 2.'],
    });
    expect(compareContracts(second, recorded).breaks).toEqual([
      expect.stringContaining('went back from version 2 to 1'),
    ]);
  });

  it('holds with wider rules, a new optional field and a new type, which are news', () => {
    const wider = changed({
      subject: [IsOptional(), IsString(), MaxLength(300)],
      colour: [IsOptional(), IsString()],
      paper: [IsOptional(), IsIn(['letter', 'a4', 'a5'])],
      copies: [IsInt(), Min(0)],
    });
    const { breaks, news } = compareContracts(recorded, {
      ...wider,
      other: declare(Attachment)['send-letter']!,
    });
    expect(breaks).toEqual([]);
    expect(news).toEqual([
      'Job type "send-letter", field /copies has lost the rule max [5].',
      'Job type "send-letter", field /copies widens its rule from min [1] to min [0].',
      expect.stringContaining('field /paper widens'),
      'Job type "send-letter", field /subject is optional now.',
      expect.stringContaining('field /subject widens'),
      expect.stringContaining('field /colour is new: workers of the release before refuse'),
      'Job type "other" is new.',
    ]);
    expect(compareContracts(recorded, declare(Letter))).toEqual({ breaks: [], news: [] });
  });
});
