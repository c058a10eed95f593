import { FlyballError } from '@flyball/protocol';
import type { Secret } from '../../lib/secret.js';

/** A place that may be told of tasks, as the configuration vouches for it. */
export interface CallbackPlace {
  readonly url: string;
  /** Identities that may have their tasks told there. */
  readonly identities: readonly string[];
  readonly secret: Secret;
  /** The address is one of the inside, and meant to be. */
  readonly allowPrivate: boolean;
}

/**
 * Where notices go is never up to who asks: an address has to be named in the configuration, letter by letter, for this
 * caller (section Callback Completion). So no request can have this server look at addresses of the inside.
 */
export class CallbackPolicy {
  constructor(private readonly places: readonly CallbackPlace[]) {}

  /** Throws `denied`. */
  verify(endpoint: string, identity: string): void {
    if (!this.find(endpoint, identity)) throw new FlyballError('denied', 'expected a `callback.endpoint` that is configured for this caller');
  }

  find(endpoint: string, identity: string): CallbackPlace | undefined {
    return this.places.find(({ url, identities }) => url === endpoint && identities.includes(identity));
  }
}
