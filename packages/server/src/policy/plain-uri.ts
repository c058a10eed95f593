import { FlyballError, isObject } from '@flyball/protocol';
import type { Call } from '../action/states.js';

export function isResourceCall({ method, params }: Call): boolean {
  const ref = params['ref'];
  return method === 'resources/read' || method === 'resources/subscribe' || method === 'resources/unsubscribe' || (method === 'completion/complete' && isObject(ref) && ref['type'] === 'ref/resource');
}

/** Letters that need no escape (RFC 3986, section 2.3), and those whose escape hides a path: `/`, `\\` and `%`. */
const hiding = /%(?:4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae]|3[0-9]|2[def5]|5c|0[0-9a-f]|1[0-9a-f]|7f)/i;

/**
 * Refuses a URI that a server could take for another one than policies see: dot segments, empty segments,
 * backslashes, control characters, escapes of what needs none. Throws `request_malformed`; nothing is rewritten.
 */
export function verifyPlainUri(uri: string): void {
  const path = uri.replace(/^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/[^/]*)?/, '').split(/[?#]/)[0] ?? '';
  const dots = path.split('/').some((segment) => /^\.{1,2}(;.*)?$/.test(segment));
  const empty = path.split('/').slice(1, -1).includes('');
  if (dots || empty || hiding.test(uri) || /[\\\p{Cc}]/u.test(uri)) throw new FlyballError('request_malformed', 'expected a URI in its plain form: no dot or empty segments, no backslashes, no escapes of what needs none');
}
