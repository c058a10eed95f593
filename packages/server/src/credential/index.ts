import { FlyballError } from '@flyball/protocol';
import type { Intended, Issued } from '../action/states.js';

/**
 * The fifth question: with which short-lived credential? No target is built yet, so a bundle whose permits
 * name one is refused at load, and a decision that asks for one ends here.
 */
export function issue(intended: Intended): Promise<Issued> {
  if (intended.decision.credential) {
    return Promise.reject(new FlyballError('performed_failed', `no target named \`${intended.decision.credential.target}\` is configured; nothing was done`));
  }
  return Promise.resolve(intended);
}

/** Ends what `issue` made. Without a lease there is nothing alive to end. */
export function end(issued: Issued): Promise<void> {
  return issued.lease ? Promise.reject(new FlyballError('internal', 'a lease without a target')) : Promise.resolve();
}
