import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { formatVerifierKey, keyIdOf, parseNote, type Signer } from '@flyball/tlog';

const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface TestKey extends Signer {
  readonly vkey: string;
}

/** A key that is the same in every run. */
function keyOf(seed: string, name: string, type: number, message: (text: Uint8Array) => { readonly signed: Uint8Array; readonly before: Uint8Array }): TestKey {
  const key: KeyObject = createPrivateKey({ key: Buffer.concat([pkcs8, Buffer.from(seed.padEnd(32, '.').slice(0, 32))]), format: 'der', type: 'pkcs8' });
  const publicKey = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32));
  return {
    name,
    keyId: keyIdOf(name, type, publicKey),
    vkey: formatVerifierKey(name, publicKey, type),
    sign(text) {
      const { signed, before } = message(text);
      return new Uint8Array(Buffer.concat([before, sign(null, signed, key)]));
    },
  };
}

export const logKey = (seed: string, origin = testOrigin): TestKey => keyOf(seed, origin, 0x01, (text) => ({ signed: text, before: new Uint8Array() }));

/** A witness's key; it cosigns at one time for ever. */
export function witnessKey(seed: string, name = `witness.example/${seed}`): TestKey {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_700_000_000n);
  return keyOf(seed, name, 0x04, (text) => ({ signed: Buffer.concat([Buffer.from('cosignature/v1\ntime 1700000000\n'), text]), before: time }));
}

export const testOrigin = 'flyball/default/test';

/** A note's text, unsigned. */
export const textOfNote = (note: string): string => parseNote(note).text;
