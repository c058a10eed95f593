import type { Decision, JsonObject } from '@flyball/protocol';
import type { AskedEvaluation } from '../authzen/read-request.js';
import { boundOf } from './asked.js';
import { grantTemplate, paths } from './draft.js';
import type { Signed } from './signed.js';
import { templateOf } from './request-schema.js';

/** Addresses by which this decision point is known. */
export interface Known {
  /** Scheme and authority; who signs, and for whom approvals are. */
  readonly base: string;
  /** Where requests are submitted; for whom denials are signed. */
  readonly endpoint: string;
}

export const knownAs = (base: string): Known => ({ base, endpoint: base + paths.requests });

/** A denial that people can turn into an approval, or a grant can lift, as it was decided. */
export interface Requestable {
  readonly evaluation: string;
  readonly identity: string;
  readonly asked: AskedEvaluation;
  readonly members: readonly string[];
  readonly decision: Pick<Decision, 'outcome' | 'approvals'>;
  readonly atMs: number;
  /** Until when it can be asked about, in milliseconds since 1970. */
  readonly untilMs: number;
}

/** What a requestable denial carries (section Requestable Denial Context). No policy's name is in it, and no grant's. */
export async function accessRequest(denied: Requestable, known: Known, signed: Signed): Promise<JsonObject> {
  const { evaluation, identity, asked, members, decision, atMs, untilMs } = denied;
  const expiresAt = timeOf(untilMs);
  const template = templateOf(decision);
  const claims = {
    iss: known.base,
    aud: known.endpoint,
    iat: Math.floor(atMs / 1_000),
    exp: Math.floor(untilMs / 1_000),
    jti: evaluation,
    client_id: identity,
    evaluation_id: evaluation,
    denial_expires_at: expiresAt,
    binding_context_members: members,
    ...boundOf(asked, members),
    template,
  };
  return {
    endpoint: known.endpoint,
    template,
    expires_at: expiresAt,
    binding_token: await signed.sign('flyball-denial+jwt', claims as unknown as JsonObject),
    request_schema_url: `${known.base}${paths.schemas}/${template}`,
    ...(template === grantTemplate && { request_catalogs_url: catalogsUrl(known, evaluation) }),
    display: template === grantTemplate ? forGrant : forPeople,
  };
}

/** Where the catalogues of one denial are. */
export const catalogsUrl = ({ base }: Known, evaluation: string): string => `${base}${paths.catalogs}/${evaluation}`;

const forPeople = { title: 'People have to agree to this', description: 'Submit an access request, and ask again with the approval that it leads to.' };
const forGrant = { title: 'A grant is needed for this', description: 'Choose a grant from the catalogue, submit an access request, and ask again with the approval that it leads to.' };

/** Whole seconds, as the times in signed values are. */
export const timeOf = (ms: number): string => new Date(Math.floor(ms / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
