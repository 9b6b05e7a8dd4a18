import { ApiProperty } from '@nestjs/swagger';
import { IsEmail, IsObject, IsOptional, IsString, Length, MaxLength } from 'class-validator';

export class TemplateVariableDto {
  name!: string;

  @ApiProperty({ enum: ['text', 'url'] })
  kind!: 'text' | 'url';

  description!: string;
  required!: boolean;
  example!: string;
}

export class MailTemplateDto {
  name!: string;
  description!: string;

  /** Where the sender gives none. */
  subject!: string;

  variables!: TemplateVariableDto[];
}

export class MailTemplateListDto {
  items!: MailTemplateDto[];
}

export class PreviewWishDto {
  /** As for EMAIL_SEND; the examples of the template where they are left out. */
  @IsOptional()
  @IsObject()
  @ApiProperty({
    type: Object,
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    required: false,
  })
  variables?: Record<string, string | number | boolean>;

  @IsOptional()
  @IsString()
  @Length(1, 300)
  subject?: string;
}

/** The mail as it would be sent. */
export class PreviewDto {
  subject!: string;
  html!: string;
  text!: string;
}

export class OutboxEntryDto {
  id!: string;
  messageId!: string;
  sender!: string;
  recipients!: string[];
  subject!: string;
  bytes!: number;
  jobId!: string;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: { self: string; eml: string; page: string };
}

export class OutboxListDto {
  items!: OutboxEntryDto[];

  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class OutboxMailDto extends OutboxEntryDto {
  text!: string;
  html!: string;
}

export class NewSuppressionDto {
  @IsEmail({ require_tld: false })
  @MaxLength(254)
  address!: string;

  @IsString()
  @Length(1, 300)
  reason!: string;
}

export class SuppressionDto {
  address!: string;
  reason!: string;
  createdBy!: string;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
}

export class SuppressionListDto {
  items!: SuppressionDto[];

  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
