// npm run conformance:tlog -- DIR: @flyball/tlog against a copy of transparency-dev/merkle's `testdata`. With CCTV_ED25519=FILE
// also against C2SP/CCTV's ed25519vectors.json, in both implementations. Ends with `N passed, M failed`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { prepare } from '../../tools/install.mjs';

const root = process.argv[2];
if (!root || !existsSync(join(root, 'inclusion'))) {
  console.error('expected a folder with `inclusion` and `consistency`: a copy of the testdata of transparency-dev/merkle');
  process.exit(2);
}
prepare();
const { TlogError, verifyConsistency, verifyEd25519, verifyInclusion } = await import('../../packages/tlog/dist/index.js');
const elsewhere = await import('../../packages/tlog/dist/ed25519.js');

/** The empty tree is the beginning of every tree (tlog-witness); the library of these vectors refuses to compare with it. */
const bySizeZeroRule = new Map([[join('consistency', 'additional', 'size1-is-zero-and-size2-is-not-zero.json'), true]]);
/** What the vectors' flags say of the one rule: RFC 8032, strictly (packages/tlog/README.md). */
const refusedFlags = new Set(['low_order_A', 'non_canonical_A', 'non_canonical_R', 'low_order_residue', 'reencoded_k']);
const least = { inclusion: 98, consistency: 98, ed25519: 914 };
const failuresShown = 20;
const failures = [];
const counts = {};

const filesUnder = (folder) => readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.json')).map((entry) => join(entry.parentPath, entry.name));
/** Numbers go beyond 2^53: they are kept as the text has them. */
const parse = (file) => JSON.parse(readFileSync(file, 'utf8').replace(/:\s*(-?\d+)(?=\s*[,}])/g, ':"$1"'));
const bytesOf = (base64) => new Uint8Array(Buffer.from(base64 ?? '', 'base64'));
const hashesOf = (list) => (list ?? []).map(bytesOf);

function accepts(verify) {
  try {
    return verify() !== false;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

function judge(kind, name, expected, verify) {
  counts[kind] = (counts[kind] ?? 0) + 1;
  if (accepts(verify) !== expected) failures.push(`${kind} ${name}: expected it to be ${expected ? 'accepted' : 'refused'}`);
}

const kinds = {
  inclusion: ({ leafIdx, treeSize, root: treeRoot, leafHash, proof }) => verifyInclusion({ index: BigInt(leafIdx), size: BigInt(treeSize), leafHash: bytesOf(leafHash), root: bytesOf(treeRoot), proof: hashesOf(proof) }),
  consistency: ({ size1, size2, root1, root2, proof }) => verifyConsistency({ oldSize: BigInt(size1), newSize: BigInt(size2), oldRoot: bytesOf(root1), newRoot: bytesOf(root2), proof: hashesOf(proof) }),
};
let ruled = 0;
for (const [kind, verify] of Object.entries(kinds)) {
  for (const file of filesUnder(join(root, kind))) {
    const name = relative(root, file);
    const vector = parse(file);
    const rule = bySizeZeroRule.get(name);
    ruled += Number(rule !== undefined);
    judge(kind, name, rule ?? !vector.wantErr, () => verify(vector));
  }
}

const edwards = process.env.CCTV_ED25519;
if (edwards) {
  for (const { number, key, msg, sig, flags } of JSON.parse(readFileSync(edwards, 'utf8'))) {
    const expected = !(flags ?? []).some((flag) => refusedFlags.has(flag));
    const parts = [Buffer.from(key, 'hex'), Buffer.from(msg), Buffer.from(sig, 'hex')];
    judge('ed25519', `${number} in Node`, expected, () => verifyEd25519(...parts));
    judge('ed25519 elsewhere', `${number} elsewhere`, expected, () => elsewhere.verifyEd25519(...parts));
  }
}

for (const [kind, number] of Object.entries(least)) if ((kind !== 'ed25519' || edwards) && (counts[kind] ?? 0) < number) failures.push(`${kind}: examined ${counts[kind] ?? 0} vectors, expected at least ${number}`);
if (ruled !== bySizeZeroRule.size) failures.push('expected the vectors with an old size of 0');
const notCovered = readdirSync(root).filter((folder) => !(folder in kinds)).flatMap((folder) => filesUnder(join(root, folder))).length;
const examined = Object.values(counts).reduce((sum, count) => sum + count, 0);
failures.slice(0, failuresShown).forEach((failure) => console.error(failure));
console.log(`${Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(', ')}; ${ruled} of them by our rule for size 0; ${notCovered} vectors on subtrees not covered`);
console.log(`${examined - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length === 0 && examined > 0 ? 0 : 1);
