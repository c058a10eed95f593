import { FlyballError, type Json, type JsonObject } from '@flyball/protocol';
import { z } from 'zod';
import { schemaFault } from '../../lib/json-schema.js';
import { pointerTokens } from '../../lib/json-pointer.js';
import { parseYaml } from '../../lib/yaml-file.js';
import type { Fault } from '../faults.js';

/** One kind of evidence: what it has to look like, and who can say whether it is true. */
export interface EvidenceKind {
  readonly schema: JsonObject;
  readonly check?: EvidenceCheck;
}

export interface EvidenceCheck {
  /** Name of a source in the configuration. */
  readonly source: string;
  /** What has to be in its answer, by JSON Pointer. */
  readonly expect: Readonly<Record<string, Json>>;
}

export type EvidenceTerms = ReadonlyMap<string, EvidenceKind>;

const word = (maxLength = 200): JsonObject => ({ type: 'string', minLength: 1, maxLength });
const object = (properties: JsonObject, ...required: readonly string[]): JsonObject => ({ type: 'object', properties, required, additionalProperties: false });

/** Kinds that a bundle need not declare. */
const builtIn: Readonly<Record<string, JsonObject>> = {
  ticket: object({ id: word() }, 'id'),
  change: object({ id: word() }, 'id'),
  rollback: object({ plan: word(4_000) }, 'plan'),
  peer_review: object({ by: word(), notes: word(4_000) }, 'by'),
  invoice: object({ number: word(), amount: { type: 'number' } }, 'number'),
  vendor_check: object({ reference: word() }, 'reference'),
};

const name = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'expected lower-case letters, digits and `_`');
const pointer = z.string().max(512).refine((text) => pointerTokens(text) !== undefined, 'expected a JSON Pointer such as `/fields/status`');
const scalar = z.union([z.string().max(2_000), z.number(), z.boolean()]);
const evidenceDocument = z.strictObject({
  evidence: z
    .record(
      name,
      z.strictObject({
        schema: z.looseObject({}).optional(),
        check: z.strictObject({ source: name, expect: z.record(pointer, scalar).refine((expect) => Object.keys(expect).length > 0, 'expected at least one value that has to be there') }).optional(),
      }),
    )
    .default({}),
});

const file = 'evidence.yaml';

/** Every kind of evidence that a bundle's rules can ask for; what is wrong is added to `faults` with its line. */
export function loadEvidence(files: Readonly<Record<string, string>>, faults: Fault[]): EvidenceTerms {
  const kinds = new Map<string, EvidenceKind>(Object.entries(builtIn).map(([kind, schema]) => [kind, { schema }]));
  const parsed = parseYaml(files[file] ?? 'evidence: {}', evidenceDocument);
  if ('faults' in parsed) {
    faults.push(...parsed.faults.map((fault) => ({ file, ...fault })));
    return kinds;
  }
  for (const [kind, declared] of Object.entries(parsed.value.evidence)) {
    const schema = (declared.schema as JsonObject | undefined) ?? kinds.get(kind)?.schema;
    const wrong = schema ? unusable(schema) : 'expected a `schema`: this kind is not built in';
    if (wrong !== undefined) faults.push({ file, line: parsed.lineOf(['evidence', kind]), message: `\`${kind}\`: ${wrong}` });
    else if (schema) kinds.set(kind, { schema, ...(declared.check && { check: declared.check }) });
  }
  return kinds;
}

function unusable(schema: JsonObject): string | undefined {
  try {
    schemaFault(schema, {});
    return undefined;
  } catch (error) {
    return error instanceof FlyballError ? error.message : 'the schema cannot be used';
  }
}
