import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { limits } from '../lib/limits.js';

export interface Delegation {
  /** Who acts now: the token's actor, or its subject when it has none. */
  readonly actor: string;
  readonly onBehalfOf?: string;
  /** Earlier actors, nearest first. */
  readonly chain: readonly string[];
}

/**
 * Reads who acts for whom from a validated token (RFC 8693, section 4.1): with `act`, the subject is the one
 * acted for and the outermost `act` is the one acting. Refuses chains that are too long, come round again or
 * name an actor that is not the issuer's to name.
 */
export function readDelegation(claims: JsonObject, subject: string, isOwnActor: (actor: string) => boolean = () => true): Delegation {
  const actors: string[] = [];
  for (let link: Json | undefined = claims['act']; link !== undefined; link = (link as JsonObject)['act']) {
    if (!isObject(link) || typeof link['sub'] !== 'string' || link['sub'] === '' || link['sub'].length > limits.subjectMax) throw refused(`link ${actors.length + 1} has no \`sub\``);
    // Issuer and subject name an actor together (RFC 8693, section 4.1): another issuer's is a stranger here.
    if (link['iss'] !== undefined && link['iss'] !== claims['iss']) throw refused(`link ${actors.length + 1} is of another issuer`);
    if (!isOwnActor(link['sub'])) throw refused(`link ${actors.length + 1} is not of the issuer's trust domain`);
    actors.push(link['sub']);
    if (actors.length > limits.chainDepthMax) throw refused(`more than ${limits.chainDepthMax} links`);
  }
  if (new Set([subject, ...actors]).size !== actors.length + 1) throw refused('an actor appears twice');
  const [actor, ...chain] = actors;
  return actor === undefined ? { actor: subject, chain: [] } : { actor, onBehalfOf: subject, chain };
}

const refused = (detail: string) => new FlyballError('unauthenticated', 'token refused: delegation', { detail });
