// node log-sequencer.mjs '{…}': one node's sequencer on PostgreSQL, which may kill itself at the nth time of a step.
// Steps are what it asks of the store, signatures, and what it does to files, before each and after each.
// It tells, in a file that only grows: `signed` and `shown` checkpoints (base64), and `killed` with the step.
import fs from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';

const wish = JSON.parse(process.argv[2]);
const dist = join(dirname(fileURLToPath(import.meta.url)), '../../packages/server/dist');
const load = (file) => import(pathToFileURL(join(dist, file)).href);
const real = { ...fs };
const tellFd = real.openSync(wish.story, 'a');
const tell = (what, text) => real.writeSync(tellFd, `${what} ${Buffer.from(text).toString('base64')}\n`);

let left = wish.nth;
function step(name) {
  if (name !== wish.step || --left > 0) return;
  tell('killed', name);
  process.kill(process.pid, 'SIGKILL');
  // Nothing more happens here, not even until the signal arrives.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const descriptors = new Set();
const isMine = (place) => (typeof place === 'string' ? place.startsWith(dirname(wish.file)) : descriptors.has(place));
for (const name of ['mkdirSync', 'writeFileSync', 'openSync', 'fsyncSync', 'closeSync', 'renameSync']) {
  fs[name] = (...args) => {
    if (!isMine(args[0])) return real[name](...args);
    step(`before ${name}`);
    if (name === 'writeFileSync' && wish.step === `within ${name}`) real.writeFileSync(args[0], String(args[1]).slice(0, 20), args[2]);
    step(`within ${name}`);
    const result = real[name](...args);
    if (name === 'openSync') descriptors.add(result);
    if (name === 'closeSync') descriptors.delete(args[0]);
    step(`after ${name}`);
    return result;
  };
}
syncBuiltinESMExports();

const { Sequencer } = await load('ledger/log/sequencer.js');
const { PublishedHead } = await load('ledger/log/published-head.js');
const { signerOf } = await load('ledger/log/log-keys.js');
const { SqlLog } = await load('store/sql-log.js');
const { DurableWriter } = await load('store/durable-writer.js');
const { parseVerifierKey } = await import('@flyball/tlog');

const pool = new pg.Pool({ connectionString: wish.url, max: 2 });
pool.on('error', () => undefined);
const log = new SqlLog(pool, wish.tenant, new DurableWriter(pool), false);
const store = new Proxy(log, {
  get: (target, name) => async (...args) => {
    step(`before ${String(name)}`);
    const result = await target[name](...args);
    step(`after ${String(name)}`);
    return result;
  },
});
const key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, wish.seed)]), format: 'der', type: 'pkcs8' });
const signer = signerOf(key, wish.origin);
const telling = {
  ...signer,
  sign(message) {
    step('before sign');
    tell('signed', message);
    const signature = signer.sign(message);
    step('after sign');
    return signature;
  },
};
const published = new PublishedHead(wish.file, wish.origin, () => [parseVerifierKey(signer.vkey)]);
published.load();
const sequencer = new Sequencer(store, published, () => [telling], wish.holder, () => performance.now());

let shown = published.checkpoint;
for (;;) {
  try {
    await sequencer.round();
  } catch (error) {
    tell('trouble', `${error.message} ${error.cause?.message ?? ''}`);
  }
  if (published.checkpoint !== shown) tell('shown', (shown = published.checkpoint));
  await new Promise((done) => setTimeout(done, wish.pauseMs ?? 1));
}
