import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsOptional,
  IsString,
  Length,
  Matches,
  registerDecorator,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';
import { IsMailAddress, IsMailAddresses } from '../../../integrations/mail/mail-address';
import { mailTemplate, mailTemplates, registerMailTemplate, variablesFault } from '../mail-template';
import { shippedMailTemplates } from '../shipped-mail-templates';

const MAX_RECIPIENTS = 50;

shippedMailTemplates.forEach(registerMailTemplate);

// RFC 5322 has no control characters in a header; a line break would begin another one.
const oneLine = /^[^\p{Cc}\u2028\u2029]*$/u;

function IsTemplate(): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name: 'isMailTemplate',
      target: target.constructor,
      propertyName: String(propertyName),
      validator: {
        validate: (value: unknown) => mailTemplate(value) !== undefined,
        defaultMessage: () =>
          `template must be one of ${mailTemplates()
            .map(({ name }) => name)
            .join(', ')}`,
      },
    });
}

function faultOf({ object, value }: ValidationArguments): string | undefined {
  const template = mailTemplate((object as EmailPayload).template);
  return template === undefined ? undefined : variablesFault(template, value ?? {});
}

function FitsTemplate(): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name: 'fitsTemplate',
      target: target.constructor,
      propertyName: String(propertyName),
      validator: {
        validate: (_value, args) => faultOf(args!) === undefined,
        defaultMessage: (args) => faultOf(args!) ?? '',
      },
    });
}

/** A stored file that goes along. */
export class EmailAttachment {
  /** The name that its reader sees. */
  @IsString()
  @Length(1, 200)
  @Matches(oneLine, { message: 'filename must be one line of text' })
  filename!: string;

  /** The id of a file at /api/files: never a path. */
  @Matches(/^file_[A-Za-z0-9_-]{22}$/, {
    message: 'path must be the id of a stored file, such as file_…: upload it to /api/files first',
  })
  path!: string;
}

/** Payload of `EMAIL_SEND`, with the fields of document 004. */
export class EmailPayload {
  /** One address, or a list. */
  @IsMailAddresses(MAX_RECIPIENTS)
  @ApiProperty({
    oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: MAX_RECIPIENTS }],
  })
  to!: string | string[];

  @IsOptional()
  @IsMailAddresses(MAX_RECIPIENTS)
  @ApiProperty({ type: 'array', items: { type: 'string' }, required: false })
  cc?: string[];

  /** Told to nobody. */
  @IsOptional()
  @IsMailAddresses(MAX_RECIPIENTS)
  @ApiProperty({ type: 'array', items: { type: 'string' }, required: false })
  bcc?: string[];

  @IsOptional()
  @IsMailAddress()
  replyTo?: string;

  @IsString()
  @Length(1, 300)
  @Matches(oneLine, { message: 'subject must be one line of text' })
  subject!: string;

  /** The name of a template; GET /api/mail/templates lists them. */
  @IsTemplate()
  @IsString()
  template!: string;

  /** What the template takes: texts, numbers, true or false. */
  @FitsTemplate()
  @ApiProperty({
    type: Object,
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    required: false,
  })
  variables?: Record<string, string | number | boolean>;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => EmailAttachment)
  attachments?: EmailAttachment[];
}
