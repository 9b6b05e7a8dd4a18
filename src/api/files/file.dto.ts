import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';

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
  links!: { self: string; content: string; share: string };
}

export class FileListDto {
  items!: FileDto[];

  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class FileLinkWishDto {
  /** How long the link is to work; by default, and at most, as long as FILE_LINK_HOURS says. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(525_600)
  expiresInMinutes?: number;
}

/** A link that hands out one file without a key. */
export class FileLinkDto {
  /** Below PUBLIC_URL; without that setting, a path of this server. */
  url!: string;

  @ApiProperty({ format: 'date-time' })
  expiresAt!: string;
}

export class FileLinkProofDto {
  @IsString()
  @Matches(/^[1-9]\d{0,11}$/, { message: 'must be the number of the link' })
  expires!: string;

  @IsString()
  @Matches(/^[\w-]{43}$/, { message: 'must be the signature of the link' })
  signature!: string;
}
