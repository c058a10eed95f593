import { digestOf } from '@flyball/protocol';
import type { Decided, Resource, Situated } from './states.js';

/**
 * Digest of exactly what is asked for: SHA-256 over RFC 8785 canonical JSON. Two attempts share it only
 * if subject, session, action, resources, arguments, tool definition and policy version are the same. The session's
 * salt is in it, so that nobody finds out arguments by trying.
 */
export function attemptDigest(situated: Situated, action: string, resources: readonly Resource[], bundle: string): string {
  return digestOf(asked(situated, action, resources, situated.call.tool?.digest, bundle));
}

/** Digest of what is asked for, whatever policy and tool are today: it finds the earlier question of the same call. */
export const questionDigest = ({ action, resources, ...situated }: Decided): string => digestOf(asked(situated, action.name, resources));

function asked({ tenant, principal, session, call }: Situated, action: string, resources: readonly Resource[], tool?: string, bundle?: string) {
  return {
    v: 1,
    salt: session.state.salt,
    tenant,
    subject: { identity: principal.identity.id, on_behalf_of: principal.onBehalfOf, chain: principal.chain },
    session: session.state.id,
    action,
    resources,
    upstream: call.upstream,
    method: call.method,
    name: call.name,
    args: call.args,
    about: call.about,
    tool,
    bundle,
  };
}
