// Verifies C2SP tlog-proof files (c2sp.org/tlog-proof, signed-note, tlog-checkpoint; RFC 6962, section 2.1.1), on
// purpose without the product's own package: a second reading of the same documents.
import { createHash, createPublicKey, verify } from 'node:crypto';

const heading = 'c2sp.org/tlog-proof@v1';
const ed25519 = 1;
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
export const leafHash = (text) => sha256(Buffer.of(0), Buffer.from(text));
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

/** Takes a file apart. Believes nothing yet. */
export function parseProof(text) {
  const end = text.indexOf('\n\n');
  const lines = text.slice(0, end).split('\n');
  if (end < 0 || lines.shift() !== heading) throw new Error('expected a tlog-proof');
  const extra = lines[0]?.startsWith('extra ') ? Buffer.from(lines.shift().slice(6), 'base64').toString('utf8') : undefined;
  const [, index] = /^index (0|[1-9][0-9]*)$/.exec(lines.shift() ?? '') ?? [];
  if (index === undefined) throw new Error('expected an index');
  return { extra, index: Number(index), path: lines.map((line) => Buffer.from(line, 'base64')), checkpoint: text.slice(end + 2) };
}

/** The same file with other extra data. */
export function withExtra(text, extra) {
  const line = `extra ${Buffer.from(extra).toString('base64')}`;
  const [first, second, ...rest] = text.split('\n');
  return [first, line, ...(second.startsWith('extra ') ? rest : [second, ...rest])].join('\n');
}

/** The same file with one bit of each signature turned over; who is said to have signed stays. */
export const withOtherSignature = (text) => text.replace(/^(— \S+ )(\S+)$/gm, (_all, signer, encoded) => {
  const bytes = Buffer.from(encoded, 'base64');
  bytes[bytes.length - 1] ^= 1;
  return `${signer}${bytes.toString('base64')}`;
});

/** A verifier key: name, id, algorithm, key. */
export function parseKey(vkey) {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) ?? [];
  const data = Buffer.from(encoded ?? '', 'base64');
  const key = data.subarray(1);
  if (name === undefined || data[0] !== ed25519 || key.length !== 32) throw new Error('expected an Ed25519 verifier key');
  const expected = sha256(name, '\n', data).subarray(0, 4);
  if (expected.toString('hex') !== id) throw new Error('the key id is not that of the key');
  return { name, id: expected, algorithm: 'Ed25519', key: createPublicKey({ key: Buffer.concat([ed25519Prefix, key]), format: 'der', type: 'spki' }) };
}

export const formatKey = (name, data) => `${name}+${sha256(name, '\n', data).subarray(0, 4).toString('hex')}+${data.toString('base64')}`;

/** Opens a checkpoint that one of the keys has signed; its tree. */
export function openCheckpoint(note, vkeys) {
  const end = note.lastIndexOf('\n\n');
  const signed = note.slice(0, end + 1);
  const [origin, size, root] = signed.split('\n');
  const good = vkeys.map(parseKey).find(({ name, id, key }) => name === origin && signaturesOf(note.slice(end + 2)).some((signature) => signature.name === name && signature.id.equals(id) && verify(undefined, Buffer.from(signed), key, signature.bytes)));
  if (!good) throw new Error('no key of the log has signed the checkpoint');
  return { origin, size: Number(size), root: Buffer.from(root, 'base64'), algorithm: good.algorithm };
}

function signaturesOf(text) {
  return [...text.matchAll(/^— (\S+) (\S+)$/gm)].map(([, name, encoded]) => {
    const bytes = Buffer.from(encoded, 'base64');
    return { name, id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
  });
}

/** The root that a leaf and its path lead to (RFC 9162, section 2.1.3.2). */
export function rootOf(leaf, index, size, path) {
  if (index >= size) throw new Error('the entry is beyond the tree');
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (sn === 0) throw new Error('the path is too long');
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  if (sn !== 0) throw new Error('the path is too short');
  return hash;
}

/** Verifies one file whose leaf is this text. Throws when it does not hold. */
export function verifyProof(text, leafText, vkeys) {
  const { index, path, checkpoint } = parseProof(text);
  const { origin, size, root, algorithm } = openCheckpoint(checkpoint, vkeys);
  if (!rootOf(leafHash(leafText), index, size, path).equals(root)) throw new Error('the entry is not in the tree of the checkpoint');
  return { origin, index, size, algorithm };
}
