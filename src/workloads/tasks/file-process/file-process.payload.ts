import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  Matches,
  Max,
  Min,
  registerDecorator,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';
import { compressions, type Compression } from '../../../integrations/archives/compression';
import {
  imageFits,
  imageFormats,
  MAX_SIDE_PIXELS,
  type ImageFormat,
} from '../../../integrations/images/image-wish';

export const fileOperations = ['resize', 'compress', 'convert', 'extract_text'] as const;
export type FileOperation = (typeof fileOperations)[number];

/** What each operation may be told, and what it has to be told one of. */
const optionsOf: Readonly<Record<FileOperation, { known: readonly string[]; needed: readonly string[] }>> = {
  resize: {
    known: ['width', 'height', 'fit', 'format', 'quality', 'keepMetadata', 'enlarge'],
    needed: ['width', 'height'],
  },
  convert: { known: ['format', 'quality', 'keepMetadata'], needed: ['format'] },
  compress: { known: ['algorithm', 'level'], needed: [] },
  extract_text: { known: ['maxCharacters'], needed: [] },
};

const given = (options: FileOptions | undefined): string[] =>
  Object.entries(options ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);

function missing({ operation, options }: FileProcessPayload): string | undefined {
  if (!fileOperations.includes(operation)) return undefined;
  const { needed } = optionsOf[operation];
  const names = given(options);
  if (needed.length === 0 || needed.some((name) => names.includes(name))) return undefined;
  return `"${operation}" needs ${needed.map((name) => `options.${name}`).join(' or ')}`;
}

function strange({ operation, options }: FileProcessPayload): string | undefined {
  if (!fileOperations.includes(operation)) return undefined;
  const { known } = optionsOf[operation];
  const found = given(options).find((name) => !known.includes(name));
  if (found === undefined) return undefined;
  return `"${found.slice(0, 50)}" is no option of "${operation}": it takes ${known.join(', ')}`;
}

/** What one field may be, another decides. */
function Agrees(
  name: string,
  faultOf: (payload: FileProcessPayload) => string | undefined,
): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(propertyName),
      validator: {
        validate: (_value, args?: ValidationArguments) =>
          faultOf(args?.object as FileProcessPayload) === undefined,
        defaultMessage: (args) => faultOf(args?.object as FileProcessPayload) ?? '',
      },
    });
}

/** How an operation is to be done; each takes only some of them. */
export class FileOptions {
  /** In pixels; the other side follows where it is left out. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_SIDE_PIXELS)
  width?: number;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_SIDE_PIXELS)
  height?: number;

  /** How an image of another shape is fitted in; `inside` unless said otherwise. */
  @IsOptional()
  @IsIn(imageFits)
  fit?: (typeof imageFits)[number];

  @IsOptional()
  @IsIn(imageFormats)
  format?: ImageFormat;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  quality?: number;

  /** Whether the place of a photograph and all else that it carries stays in it. */
  @IsOptional()
  @IsBoolean()
  keepMetadata?: boolean;

  /** Whether an image that is smaller is made larger. */
  @IsOptional()
  @IsBoolean()
  enlarge?: boolean;

  @IsOptional()
  @IsIn(compressions)
  algorithm?: Compression;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(9)
  level?: number;

  /** Of an extracted text; what is longer is cut off. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(50_000_000)
  maxCharacters?: number;
}

/** Payload of `FILE_PROCESS`, with the fields of document 004. */
export class FileProcessPayload {
  /** The id of a file at /api/files: never a path. */
  @Matches(/^file_[A-Za-z0-9_-]{22}$/, {
    message: 'filePath must be the id of a stored file, such as file_…: upload it to /api/files first',
  })
  filePath!: string;

  @Agrees('hasItsOptions', missing)
  @IsIn(fileOperations)
  operation!: FileOperation;

  @Agrees('fitsOperation', strange)
  @IsOptional()
  @ValidateNested()
  @Type(() => FileOptions)
  options?: FileOptions;
}
