import { type Decision, FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { schemaFault } from '../../lib/json-schema.js';
import { evidenceMember, grantTemplate, justificationMember } from './draft.js';
import { problem } from './problem.js';

/** The JSON Schema of a kind of evidence; nothing for a kind that nobody declared. */
export type SchemaOfKind = (kind: string) => JsonObject | undefined;

const prefix = 'approval';
const kindPattern = /^[a-z][a-z0-9_-]{0,63}$/;

/** Names what a submission has to bring: a grant's name, or the kinds of evidence that the rules ask for, and nothing of the rules. */
export function templateOf({ outcome, approvals }: Pick<Decision, 'outcome' | 'approvals'>): string {
  if (outcome === 'deny') return grantTemplate;
  const kinds = [...new Set(approvals.flatMap(({ evidence }) => evidence))].sort();
  return [prefix, ...kinds].join('.');
}

/** Throws `not_found` for what is no template. */
function kindsOf(template: string): readonly string[] {
  const [first, ...kinds] = template.split('.');
  if (first !== prefix || kinds.length > 20 || !kinds.every((kind) => kindPattern.test(kind))) throw new FlyballError('not_found', 'no such schema');
  return kinds;
}

/** What a submission adds to the context and to `requested_access` (section Machine-Readable Forms), as a JSON Schema. */
export function requestSchema(template: string, schemaOf: SchemaOfKind): JsonObject {
  const evidence = kindsOf(template);
  const known = evidence.map((kind) => [kind, schemaOf(kind)] as const);
  if (known.some(([, schema]) => schema === undefined)) throw new FlyballError('not_found', 'no such schema');
  const justification = { type: 'string', minLength: 1, maxLength: 2_000, description: 'why this is needed, for those who decide' };
  const required = evidence.length > 0 ? [evidenceMember] : [];
  const members = { [justificationMember]: justification, ...(evidence.length > 0 && { [evidenceMember]: { type: 'object', properties: Object.fromEntries(known), required: evidence } }) };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      context: { type: 'object', properties: members, required } as JsonObject,
      requested_access: { type: 'object', properties: { requested_until: { type: 'string' }, emergency: { type: 'boolean' } } },
    },
    required: required.length > 0 ? ['context'] : [],
  };
}

export interface Supported {
  readonly evidence: readonly { readonly kind: string; readonly value: Json }[];
}

/** What a submission is supported by. Throws `request_malformed` for one that is not as its schema says. */
export function supportOf(template: string, context: JsonObject, requestedAccess: JsonObject, schemaOf: SchemaOfKind): Supported {
  const kinds = kindsOf(template);
  // A rule may have come to ask for what nobody declares any more; then nobody could agree either.
  const schema = orNotRequestable(() => requestSchema(template, schemaOf));
  const fault = schemaFault(schema, { context, requested_access: requestedAccess });
  if (fault !== undefined) throw new FlyballError('request_malformed', `expected the submission to be as \`request_schema_url\` says: ${fault}`);
  const given = context[evidenceMember];
  const evidence = kinds.map((kind) => ({ kind, value: isObject(given) ? (given[kind] ?? null) : null }));
  return { evidence };
}

function orNotRequestable<T>(make: () => T): T {
  try {
    return make();
  } catch {
    throw problem('not_requestable', 'what the rules ask for cannot be supplied any more');
  }
}
