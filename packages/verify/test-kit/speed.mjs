// node packages/verify/test-kit/speed.mjs [ENTRIES]: how many entries of 1 KB a second are verified, from a folder, on one core.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { append, bundlePath, emptyEdge, encodeBundle, formatCheckpoint, formatVerifierKey, keyIdOf, leafHash, signNote, tilePath } from '@flyball/tlog';
import { folder, verifyLog } from '@flyball/verify';

const count = Number(process.argv[2] ?? 200_000);
const bytesEach = 1_024;
const origin = 'flyball/speed';
const key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]), format: 'der', type: 'pkcs8' });
const publicKey = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32));
const signer = { name: origin, keyId: keyIdOf(origin, 1, publicKey), sign: (text) => new Uint8Array(sign(null, text, key)) };
const vkey = formatVerifierKey(origin, publicKey);

const canonical = (value) =>
  Array.isArray(value) ? `[${value.map(canonical).join(',')}]` : typeof value !== 'object' || value === null ? JSON.stringify(value) : `{${Object.keys(value).filter((name) => value[name] !== undefined).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
const idOf = (ms, at) => `${ms.toString(16).padStart(12, '0').replace(/^(.{8})/, '$1-')}-7000-8000-${at.toString(16).padStart(12, '0')}`;
const digest = `sha256:${'ab'.repeat(32)}`;

/** Sessions of 100 entries: an opening, intents and their outcomes, an end; 50 under way at a time. */
function* leaves() {
  const heads = new Map();
  let at = Date.UTC(2026, 0, 1);
  let made = 0;
  const leaf = (kind, streams, more) => {
    const id = idOf(++at, made++);
    const entry = { v: 1, tenant: 'default', id, kind, at, streams: streams.map((stream) => ({ stream, version: (heads.get(stream)?.version ?? 0) + 1, prev: heads.get(stream)?.hash })), ...more };
    const spare = bytesEach - canonical(entry).length - 12;
    if (spare > 0 && kind !== 'log.key') entry.body = { ...entry.body, findings: [...(entry.body.findings ?? [])], zz: 'x'.repeat(Math.max(0, spare - 15)) };
    const text = Buffer.from(canonical(entry));
    for (const { stream, version } of entry.streams) heads.set(stream, { version, hash: Buffer.from(leafHash(text)).toString('base64') });
    return { id, text };
  };
  yield leaf('log.key', ['log:keys'], { body: { key: vkey, status: 'active' } }).text;
  yield leaf('bundle.activated', [`bundle:${digest}`], { body: { bundle: digest, files: [] } }).text;
  for (let round = 0; made < count; round++) {
    const open = Array.from({ length: 50 }, (_, lane) => ({ name: `${round}-${lane}` }));
    for (const one of open) {
      const { id, text } = leaf('session.opened', [`session:${one.name}`, `identity:["agent-${one.name}",null]`], { deadline: at + 28_800_000, body: { session: one.name, identity: 'agent', capabilities: [], implicit: true, inherited: [] } });
      one.id = id;
      yield text;
    }
    for (let step = 0; step < 49; step++) {
      for (const one of open) {
        const body = { identity: 'agent', chain: ['ci', 'deploy'], method: 'tools/call', session: one.name, action: 'files.read', tier: 'inspect', upstream: 'files', name: 'read_file', tool: digest, digest, decision: { outcome: 'allow', kind: 'permitted', policies: [{ policy: 'agents-read', effect: 'permit', result: 'satisfied' }], approvals: [], facts: [], bundle: digest }, gateway: 'mcp', labels: ['internal'], spends: { money: 100_000 }, approvals: [] };
        const intent = leaf('intent', [`session:${one.name}`], { deadline: at + 60_000, payload: digest, body });
        one.intent = intent.id;
        yield intent.text;
      }
      for (const one of open) yield leaf('outcome', [`session:${one.name}`], { settles: one.intent, body: { session: one.name, action: 'files.read', effect: 'succeeded', answer: 'result', output: digest, findings: ['email', 'phone'] } }).text;
    }
    for (const one of open) yield leaf('session.ended', [`session:${one.name}`, `identity:["agent-${one.name}",null]`], { settles: one.id, body: { session: one.name, reason: 'ended' } }).text;
  }
}

const directory = mkdtempSync(join(tmpdir(), 'flyball-speed-'));
const write = (path, bytes) => {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), bytes);
};
let edge = emptyEdge;
let part = [];
const flush = () => {
  write(bundlePath({ index: edge.size / 256n, width: part.length }), encodeBundle(part));
  const grown = append(edge, part.map((leaf) => leafHash(leaf)));
  for (const { tile, hashes } of grown.tiles) if (tile.width === 256 || part.length < 256) write(tilePath(tile), hashes);
  edge = grown.edge;
  part = [];
};
let bytes = 0;
for (const text of leaves()) {
  bytes += text.length;
  part.push(text);
  if (part.length === 256) flush();
}
if (part.length > 0) flush();
edge.partials.forEach((hashes, level) => hashes.length > 0 && write(tilePath({ level, index: edge.size >> BigInt(8 * (level + 1)), width: hashes.length / 32 }), hashes));
write('checkpoint', signNote(formatCheckpoint({ origin, size: edge.size, root: edge.root() }), [signer]));

try {
  const words = [];
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const verdict = await verifyLog({ source: folder(directory), trust: { keys: [vkey] }, progress: () => words.push(performance.now()) });
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  const gaps = words.map((at, index) => at - (words[index - 1] ?? began));
  console.log(`${edge.size} entries of ${Math.round(bytes / Number(edge.size))} bytes, ${seconds.toFixed(2)} s, ${Math.round(Number(edge.size) / seconds)} entries/s, ${((used.user + used.system) / 1e6).toFixed(2)} s of processor`);
  console.log(`integrity ${verdict.integrity.holds}, completeness ${verdict.completeness.holds}, ${verdict.counts.tiles} tiles, ${verdict.counts.streams} streams, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB, longest silence ${Math.round(Math.max(...gaps))} ms`);
  if (!verdict.integrity.holds || !verdict.completeness.holds) console.log(JSON.stringify([verdict.integrity.findings.slice(0, 3), verdict.completeness.findings.slice(0, 3)]));
} finally {
  rmSync(directory, { recursive: true });
}
