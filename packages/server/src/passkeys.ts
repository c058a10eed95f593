import { FlyballError } from '@flyball/protocol';
import type { Signatures } from './approval/index.js';
import type { Config } from './config.js';
import { Passkeys, type PasskeysState } from './identity/index.js';
import type { Ledger, Names } from './ledger/index.js';
import type { Clock } from './lib/clock.js';

/** People's passkeys, where people can sign in with a browser: they are bound to its pages' address. */
export function passkeysOf({ sign_in: signIn }: Config, ledger: Ledger, names: Names, clock: Clock): Passkeys | undefined {
  if (!signIn) return undefined;
  const record = { append: (draft: Parameters<Ledger['append']>[0]) => ledger.append(draft), read: (stream: string) => ledger.readNow<PasskeysState>(stream), refOf: (person: string) => names.refOf(person) };
  return new Passkeys(record, { origin: signIn.address, id: new URL(signIn.address).hostname }, clock);
}

/** Who verifies signatures of answers: without a place to sign, nobody, and what has to be signed stays unanswered. */
export const signaturesOf = (passkeys: Passkeys | undefined): Signatures =>
  passkeys ?? {
    verify: () => Promise.reject(new FlyballError('approval_refused', 'nobody can sign here: `sign_in` is not configured')),
  };
