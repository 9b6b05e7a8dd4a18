import { ApiProperty } from '@nestjs/swagger';

export class RuleSetEntryDto {
  name!: string;
  /** Rises when a rule set of the same name is stored. */
  version!: number;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
}

export class StoredRuleSetDto extends RuleSetEntryDto {
  /** The rule set as it was sent. */
  @ApiProperty({ type: Object })
  definition!: object;
}

export class RuleSetListDto {
  items!: RuleSetEntryDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
