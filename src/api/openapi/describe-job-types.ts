import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import type { RegisteredJobType } from '../../platform/queue/queue-registry.service';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Schemas[string];

const ENQUEUE_PATH = '/api/queue/jobs';

/** Documents the body of an enqueue as one schema per registered job type, told apart by `type`. */
export function describeJobTypes(document: OpenAPIObject, types: readonly RegisteredJobType[]): void {
  const body = document.paths[ENQUEUE_PATH]?.post?.requestBody;
  if (body === undefined || '$ref' in body || types.length === 0) return;
  const schemas = ((document.components ??= {}).schemas ??= {});
  const options = optionsOf(schemas, body.content['application/json']?.schema);
  const mapping: Record<string, string> = {};
  for (const entry of types) {
    const name = `Enqueue_${entry.type.replace(/[^\w.-]/g, '_')}`;
    schemas[name] = enqueueSchema(entry, options);
    mapping[entry.type] = `#/components/schemas/${name}`;
    refuseOtherFields(schemas[entry.job.payload.name]);
  }
  body.content['application/json'] = {
    schema: {
      oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
      discriminator: { propertyName: 'type', mapping },
    },
  };
}

function enqueueSchema({ type, job, definition }: RegisteredJobType, options: Schema): Schema {
  return {
    type: 'object',
    title: type,
    description: `${job.description ?? definition.description} Queue "${definition.name}".`,
    required: ['type', 'data'],
    additionalProperties: false,
    properties: {
      type: { type: 'string', enum: [type] },
      data: { $ref: getSchemaPath(job.payload) },
      options,
    },
  };
}

/** The options are those of the request's own class, whatever that is called. */
function optionsOf(schemas: Schemas, bodySchema: Schema | undefined): Schema {
  const name =
    bodySchema !== undefined && '$ref' in bodySchema ? bodySchema.$ref.split('/').pop() : undefined;
  const schema = name === undefined ? bodySchema : schemas[name];
  const found = schema !== undefined && 'properties' in schema ? schema.properties?.['options'] : undefined;
  return found ?? { type: 'object' };
}

function refuseOtherFields(schema: Schema | undefined): void {
  if (schema !== undefined && !('$ref' in schema)) schema.additionalProperties ??= false;
}
