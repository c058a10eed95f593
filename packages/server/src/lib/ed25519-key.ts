import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FlyballError } from '@flyball/protocol';

/** The private key in a file, made there, for its owner only, where there is no such file. Throws `config_invalid` for what is no Ed25519 key. */
export function readOrMakeKey(file: string): KeyObject {
  const known = findKey(file);
  if (known) return known;
  const { privateKey } = generateKeyPairSync('ed25519');
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  return privateKey;
}

/** The private key in a file that has to be there. Throws `config_invalid` for what is no Ed25519 key. */
export function readKey(file: string): KeyObject {
  const key = findKey(file);
  if (!key) throw unreadable(file);
  return key;
}

/** @param where what had the text in it, for the message */
export function parseKey(pem: string, where: string): KeyObject {
  let key: KeyObject | undefined;
  let cause: unknown;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    cause = error;
  }
  if (key?.asymmetricKeyType !== 'ed25519') throw new FlyballError('config_invalid', `expected an Ed25519 private key (PKCS#8, PEM) in \`${where}\``, { cause });
  return key;
}

/** The private key in a file, if there is such a file. Throws `config_invalid` for what is no Ed25519 key. */
export function findKey(file: string): KeyObject | undefined {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, cause);
  }
  return parseKey(pem, file);
}

const unreadable = (file: string, cause?: unknown) => new FlyballError('config_invalid', `expected an Ed25519 private key in \`${file}\`, which cannot be read`, { cause });
