import { FlyballError } from '@flyball/protocol';

const depthMost = 6;

/**
 * Why the provider cannot be asked, for the operator: a code of the network's, of TLS or of OpenID Connect, or words of our
 * own. Nothing that the provider or a stranger wrote is in it.
 */
export function faultOf(thrown: unknown): string {
  let found = 'no usable answer';
  let error = thrown;
  for (let depth = 0; depth < depthMost && error !== undefined; depth++) {
    if (error instanceof Response) return `it answered with status ${error.status}`;
    if (!(error instanceof Error)) break;
    if (error instanceof FlyballError) return error.message;
    if (error.name === 'TimeoutError') return 'no answer in time';
    if ('code' in error && typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{2,63}$/.test(error.code)) found = error.code;
    error = error.cause;
  }
  return found;
}

/** Whether it was not reached at all, or not as the one that it has to be. */
export const isUnreachable = (fault: string): boolean => /^(?:cannot fetch|no answer in time)|^E[A-Z]+$|^UND_ERR_|CERT|SELF_SIGNED|UNABLE_TO_|^OAUTH_TIMEOUT$|status 5\d\d$/.test(fault);
