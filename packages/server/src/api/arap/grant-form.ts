import { FlyballError, type JsonObject } from '@flyball/protocol';
import { z } from 'zod';
import type { Wish } from '../../approval/index.js';
import { schemaFault } from '../../lib/json-schema.js';
import { grantMembers, justificationMember } from './draft.js';

const minuteMs = 60_000;
const moment = z.iso.datetime({ offset: true });

/**
 * What a submission adds where a grant could lift the denial (section Machine-Readable Forms), as a JSON Schema. Which
 * grants there are is for the catalogue.
 *
 * @param longestMs no grant is longer
 */
export function grantSchema(longestMs: number): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      context: { type: 'object', properties: { [justificationMember]: { type: 'string', minLength: 1, maxLength: 2_000, description: 'why this is needed, for those who decide' } }, required: [justificationMember] },
      requested_access: {
        type: 'object',
        properties: {
          [grantMembers.grant]: { type: 'string', minLength: 1, maxLength: 128, description: 'a value of the catalogue' },
          [grantMembers.minutes]: { type: 'integer', minimum: 1, maximum: Math.max(1, Math.floor(longestMs / minuteMs)), description: 'for how long' },
          requested_until: { type: 'string', maxLength: 64, description: `until when at the latest; without \`${grantMembers.minutes}\`, for how long` },
          [grantMembers.rollback]: { type: 'string', minLength: 1, maxLength: 2_000, description: 'how to go back' },
          emergency: { type: 'boolean' },
        },
        required: [grantMembers.grant],
        anyOf: [{ required: [grantMembers.minutes] }, { required: ['requested_until'] }],
      },
    },
    required: ['context', 'requested_access'],
  };
}

/** As the schema has it. */
interface AskedAccess {
  readonly [grantMembers.grant]: string;
  readonly [grantMembers.minutes]?: number;
  readonly requested_until?: string;
  readonly [grantMembers.rollback]?: string;
}

/** What a submission asks for. Throws `request_malformed` for one that is not as its schema says. */
export function readWish(context: JsonObject, requestedAccess: JsonObject, longestMs: number): Wish {
  const fault = schemaFault(grantSchema(longestMs), { context, requested_access: requestedAccess });
  if (fault !== undefined) throw malformed(`the submission to be as \`request_schema_url\` says: ${fault}`);
  const { [grantMembers.grant]: grant, [grantMembers.minutes]: minutes, requested_until: until, [grantMembers.rollback]: rollback } = requestedAccess as unknown as AskedAccess;
  if (until !== undefined && !moment.safeParse(until).success) throw malformed('`requested_until` as a time with its offset (RFC 3339)');
  return { grant, why: context[justificationMember] as string, minutes, until, rollback };
}

const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}`);
