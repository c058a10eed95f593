import { FlyballError } from '@flyball/protocol';
import type { Signatures } from '../approval/index.js';
import type { Config } from '../config.js';
import { Passkeys, type PasskeysState } from '../identity/index.js';
import type { Ledger, Names } from '../ledger/index.js';
import type { Clock } from '../lib/clock.js';

/** People's passkeys, where people can sign in with a browser: they are bound to its pages' address. */
export function passkeysOf({ sign_in: signIn }: Config, ledger: Ledger, names: Names, clock: Clock): Passkeys | undefined {
  if (!signIn) return undefined;
  const record = { append: (draft: Parameters<Ledger['append']>[0]) => ledger.append(draft), read: (stream: string) => ledger.readNow<PasskeysState>(stream), refOf: (person: string) => names.refOf(person) };
  return new Passkeys(record, { origin: signIn.address, id: new URL(signIn.address).hostname }, clock);
}

/** Where nobody can sign in with a browser, nobody can sign either. */
export const noSignatures: Signatures = { verify: () => Promise.reject(new FlyballError('approval_refused', 'expected `sign_in` in the configuration: signatures are made with passkeys, on the pages')) };
