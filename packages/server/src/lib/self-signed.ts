import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
}

const dayMs = 24 * 60 * 60_000;

/**
 * A certificate for `localhost` and the loopback addresses, signed by its own key (RFC 5280, section 4): for trying
 * things out over HTTPS on one machine, by clients that are told to trust it.
 */
export function selfSigned(nowMs: number, days: number): SelfSigned {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid('550403'), tagged(0x0c, Buffer.from('localhost')))));
  const validity = sequence(time(nowMs - dayMs), time(nowMs + days * dayMs));
  const body = sequence(tagged(0xa0, integer(Buffer.from([2]))), integer(serial()), ecdsaWithSha256, name, validity, name, publicPart(privateKey), tagged(0xa3, extensions()));
  const signature = sign('sha256', body, { key: privateKey, dsaEncoding: 'der' });
  const cert = sequence(body, ecdsaWithSha256, bits(signature));
  return { cert: pem('CERTIFICATE', cert), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

const publicPart = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });

/** Its own authority (basicConstraints), and the names that it is for (subjectAltName). */
function extensions(): Buffer {
  const names = sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.from([127, 0, 0, 1])), tagged(0x87, Buffer.from([...Array<number>(15).fill(0), 1])));
  const critical = tagged(0x01, Buffer.from([0xff]));
  return sequence(sequence(oid('551d13'), critical, octets(sequence(tagged(0x01, Buffer.from([0xff]))))), sequence(oid('551d11'), octets(names)));
}

/** DER (X.690): tag, length, content. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts));
const set = (...parts: readonly Buffer[]): Buffer => tagged(0x31, Buffer.concat(parts));
const oid = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'));
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes);
const octets = (content: Buffer): Buffer => tagged(0x04, content);
const bits = (content: Buffer): Buffer => tagged(0x03, Buffer.concat([Buffer.from([0]), content]));
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));

/** Positive, and never shortened: its first byte is neither 0 nor above 0x7f. */
function serial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}

/** UTCTime, `YYMMDDHHMMSSZ`. */
const time = (ms: number): Buffer => tagged(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

const pem = (label: string, der: Buffer): string => `-----BEGIN ${label}-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;
