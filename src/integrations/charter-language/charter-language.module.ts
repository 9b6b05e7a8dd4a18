import { Module, type DynamicModule, type InjectionToken, type ModuleMetadata } from '@nestjs/common';
import { CharterExtractor } from './charter-extractor';
import { EmbeddedCharterExtractor } from './embedded-charter-extractor';
import { ModelCharterExtractor } from './model-charter-extractor';
import { PlaceDirectory } from './place-directory';
import { StructuredModel } from './structured-model';

export interface CharterLanguageOptions {
  /** The modules that export the two others. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly directory: InjectionToken<PlaceDirectory>;
  readonly model: InjectionToken<StructuredModel>;
}

/** Provides `CharterExtractor`: a model reads the messages where the settings name one, else what is built in. */
@Module({})
export class CharterLanguageModule {
  static forRoot({ imports, directory, model }: CharterLanguageOptions): DynamicModule {
    return {
      module: CharterLanguageModule,
      imports,
      providers: [
        { provide: PlaceDirectory, useExisting: directory },
        { provide: StructuredModel, useExisting: model },
        {
          provide: CharterExtractor,
          useFactory: (reader: StructuredModel, places: PlaceDirectory): CharterExtractor =>
            reader.model === undefined
              ? new EmbeddedCharterExtractor(places)
              : new ModelCharterExtractor(reader, places),
          inject: [StructuredModel, PlaceDirectory],
        },
      ],
      exports: [CharterExtractor],
    };
  }
}
