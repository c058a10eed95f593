import { FlyballError } from '@flyball/protocol';
import type { Secret } from './secret.js';

/**
 * A secret that the configuration leaves to the environment. Throws `config_invalid` where there is none.
 *
 * @param place in the configuration that names the variable
 */
export function requiredSecret(secret: Secret | undefined, variable: string, place: string): Secret {
  if (!secret || secret.reveal() === '') throw new FlyballError('config_invalid', `expected a secret in the environment variable \`${variable}\`, which \`${place}\` of the configuration names`);
  return secret;
}
