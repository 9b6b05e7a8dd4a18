import { ApiProperty } from '@nestjs/swagger';

/** A stored file; jobs name it by its id. */
export class FileDto {
  id!: string;

  /** The name it was uploaded under, or that its job has given it. */
  name!: string;

  /** As declared by whoever stored it. */
  contentType!: string;

  bytes!: number;

  /** Of all bytes, in hexadecimal. */
  sha256!: string;

  createdBy!: string;

  /** The job that made it; null for an upload. */
  @ApiProperty({ type: String, nullable: true })
  jobId!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ format: 'date-time' })
  expiresAt!: string;

  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: { self: string; content: string };
}

export class FileListDto {
  items!: FileDto[];

  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
