import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Settings } from '../../config/settings';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { describeJobTypes } from './describe-job-types';
import { describeProblems } from './describe-problems';
import { OpenApiDocument } from './openapi-document.service';

const description = [
  'Jobs are accepted with 202 and worked in the background; `Location` says where to ask for them.',
  'Every path under `/api` also answers without that prefix where a requirement document writes it so.',
  'Every error is `application/problem+json` (RFC 9457); its `type` opens a page that says what to do.',
].join('\n\n');

/** Describes every route of the application at `/openapi.json` and `/docs`; call it once all modules are made. */
export function setUpOpenApi(app: NestFastifyApplication, settings: Settings): void {
  app.get(OpenApiDocument, { strict: false }).makeWith(() => openApiDocument(app, settings));
}

function openApiDocument(app: NestFastifyApplication, settings: Settings): OpenAPIObject {
  const types = app.get(QueueRegistry, { strict: false }).types();
  const document = SwaggerModule.createDocument(app, frame(settings), {
    extraModels: types.map(({ job }) => job.payload),
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  keepCanonicalPaths(document);
  nameOperations(document);
  describeJobTypes(
    document,
    types.filter(({ job }) => job.startedBy === undefined),
  );
  describeProblems(document);
  return document;
}

function frame(settings: Settings): Omit<OpenAPIObject, 'paths'> {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Holdfast')
    .setDescription(description)
    .setVersion('1')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        description: 'A key, or a token of the issuer that the settings name.',
      },
      'key',
    )
    .addCookieAuth(
      'holdfast_session',
      { type: 'apiKey', in: 'cookie', description: 'After a log-in at /ui/login.' },
      'session',
    )
    .addSecurityRequirements('key')
    .addSecurityRequirements('session');
  if (settings.PUBLIC_URL !== undefined) builder.addServer(settings.PUBLIC_URL);
  return builder.build();
}

/** Of two spellings of one path the document names that under `/api`. */
function keepCanonicalPaths({ paths }: Pick<OpenAPIObject, 'paths'>): void {
  for (const path of Object.keys(paths)) {
    if (Object.hasOwn(paths, `/api${path}`)) delete paths[path];
  }
}

/** A method with two paths gets numbered ids; of each only one is left, and generated clients want plain names. */
function nameOperations({ paths }: Pick<OpenAPIObject, 'paths'>): void {
  for (const item of Object.values(paths)) {
    for (const operation of [item.get, item.put, item.post, item.delete, item.patch]) {
      if (operation?.operationId !== undefined) {
        operation.operationId = operation.operationId.replace(/\[\d+\]$/, '');
      }
    }
  }
}
