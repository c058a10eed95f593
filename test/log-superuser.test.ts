import { createPrivateKey } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCheckpoint, append, consistencyProof, emptyEdge, formatCheckpoint, leafHash, parseVerifierKey, signNote, TlogError } from '@flyball/tlog';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LogSigner, signerOf } from '../packages/server/src/ledger/log/log-keys.js';
import { PublishedHead } from '../packages/server/src/ledger/log/published-head.js';
import { Sequencer } from '../packages/server/src/ledger/log/sequencer.js';
import { openPostgres, type OpenStore } from '../packages/server/src/store/open.js';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, openClient, transferTo, wasDone } from './support/exported-record.js';
import { type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { audit, codes, must, promised, promiseOf, publishedFrom, receiptOf, statusOf } from './support/log-governor.js';
import { MemoryWitness } from './support/log-witness.js';
import { startPostgres } from './support/postgres.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

describe.skipIf(postgres === undefined)('a superuser of the database', () => {
  let canary: Canary;
  let base: string;
  let governor: RunningGovernor;
  let origin: string;
  let signer: LogSigner;
  let witness: MemoryWitness;
  const kept = { promises: [] as string[], receipts: [] as string[], earlier: [] as string[] };
  const folder = mkdtempSync(join(tmpdir(), 'flyball-superuser-'));

  beforeAll(async () => {
    canary = await startCanary();
    base = (await postgres?.database()) ?? '';
    const env = { FLYBALL_DATABASE_URL: base };
    governor = await startGovernor({ directory: writeInstallation({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}" }` }), env });
    const client = await openClient(governor);
    const transfers = async (count: number) => {
      for (let n = 0; n < count; n++) {
        const answer = await transferTo(client, `shop-${n}`);
        expect(wasDone(answer)).toBe(true);
        kept.promises.push(promiseOf(answer));
      }
    };
    await transfers(10);
    kept.receipts.push(await receiptOf(governor.directory, promised(kept.promises[4] ?? ''), env));
    kept.earlier.push((await statusOf(governor.directory, env)).checkpoint);
    witness = new MemoryWitness();
    await transfers(6);
    await receiptOf(governor.directory, promised(kept.promises.at(-1) ?? ''), env);
    await governor.stop();
    const store = await openPostgres(base, 'default');
    const head = await store.log.head();
    origin = head?.origin ?? '';
    signer = signerOf(createPrivateKey(readFileSync(join(governor.directory, '.flyball/log-key.pem'))), origin);
    witness.know(origin, signer.vkey);
    await ask(store, head?.checkpoint ?? '');
    await store.close();
  });
  afterAll(async () => {
    await governor.remove();
    canary.stop();
    rmSync(folder, { recursive: true });
  });

  const ask = async ({ log }: OpenStore, checkpoint: string): Promise<string> => {
    const size = BigInt(checkpoint.split('\n')[1] ?? '0');
    const oldSize = witness.size(origin);
    const proof = oldSize > size ? [] : await consistencyProof(log, oldSize, size);
    try {
      return (await addCheckpoint((body) => witness.answer(body), { oldSize, proof, checkpoint })).kind;
    } catch (error) {
      return error instanceof TlogError ? error.code : 'unknown';
    }
  };

  let copies = 0;
  /** The database as it was, and what becomes of it. */
  async function attacked(attack: (store: OpenStore) => Promise<unknown>) {
    const name = `attacked_${++copies}`;
    await postgres?.query(`create database ${name} template ${new URL(base).pathname.slice(1)}`);
    const store = await openPostgres(base.replace(/[^/]*$/, name), 'default');
    await attack(store);
    const file = join(folder, name);
    cpSync(join(governor.directory, '.flyball/log/default.checkpoint'), file);
    const published = new PublishedHead(file, origin, () => [parseVerifierKey(signer.vkey)]);
    published.load();
    const node = await new Sequencer(store.log, published, () => [signer], 'node', () => performance.now()).round().then(() => 'goes on', (error: { code?: string }) => error.code ?? 'fails');
    const verdict = await audit(publishedFrom(store.log), { keys: [signer.vkey], ...kept }, { now: Date.now() + 10 * 60_000 });
    const witnessed = await ask(store, (await store.log.head())?.checkpoint ?? '');
    await store.close();
    return { node, verify: codes(verdict), witnessed };
  }

  const sql = (...statements: string[]) => async ({ pool }: OpenStore) => {
    for (const statement of statements) await pool.query(statement);
  };

  /** Writes the whole log anew from changed texts, as somebody would who knows how; signed when there is a key. */
  const rewrite = (change: (texts: string[]) => string[], key?: LogSigner) => async ({ log, pool }: OpenStore) => {
    const head = await log.head();
    const before = (await log.texts(0n, Number(head?.size ?? 0n))).map((text) => text ?? '');
    const texts = change(before);
    const { edge, tiles } = append(emptyEdge, texts.map((text) => leafHash(text)));
    await pool.query('delete from log_tile');
    await pool.query('delete from log_leaf');
    for (const [index, text] of texts.entries()) {
      const { id } = JSON.parse(text) as { id: string };
      await pool.query('update entry set body = $2, leaf = $3 where id = $1', [id, text, Buffer.from(leafHash(text))]);
      await pool.query(`insert into log_leaf values ('default', $1, $2)`, [index, id]);
    }
    for (const { tile, hashes } of tiles) await pool.query(`insert into log_tile values ('default', $1, $2, $3)`, [tile.level, String(tile.index), Buffer.from(hashes)]);
    const checkpoint = key ? signNote(formatCheckpoint({ origin, size: edge.size, root: edge.root() }), [key]) : undefined;
    await pool.query('update log set size = $1, root = $2, checkpoint = coalesce($3, checkpoint)', [String(edge.size), Buffer.from(edge.root()), checkpoint ?? null]);
  };
  const third = `(select entry from log_leaf where index = 3)`;
  const spoil = (texts: string[]) => texts.map((text, index) => (index === 3 ? text.replace('"body":{', '"body":{"a":1,') : text));
  const withoutLast = (texts: string[]) => texts.slice(0, -3);

  test('story: untouched: the node goes on, everything verifies, the witness signs', async () => {
    expect(await attacked(sql())).toEqual({ node: 'goes on', verify: [], witnessed: 'cosigned' });
  });

  test('abuse 95: an entry that was rewritten in its row does not verify', async () => {
    const { verify } = await attacked(sql(`update entry set body = replace(body, '"kind"', '"Kind"') where id = ${third}`));
    expect(verify).toContain('entry_altered');
  });

  test('abuse 95: an entry that was taken out of its row does not verify', async () => {
    const { verify } = await attacked(sql(`delete from entry where id = ${third}`));
    expect(verify).toContain('entry_altered');
  });

  test('abuse 68: the end of the log cut off, its checkpoint as it was: the node signs nothing any more, and the log does not verify', async () => {
    const { node, verify } = await attacked(rewrite((texts) => texts.slice(0, -4)));
    expect(node).toBe('log_broken');
    expect(verify).toContain('unavailable');
  });

  test('abuse 69: the whole log rewritten without the key: the node signs nothing, the old signature does not fit', async () => {
    const { node, verify } = await attacked(rewrite(spoil));
    expect(node).toBe('log_broken');
    expect(verify).toContain('root_mismatch');
  });

  test.each([['changed', spoil], ['cut off', withoutLast], ['in another order', (texts: string[]) => [...texts.slice(0, 4), texts[5] ?? '', texts[4] ?? '', ...texts.slice(6)]]])('abuse 69: the whole log rewritten (%s) and signed with the stolen key: the node, an earlier checkpoint and the witness all tell', async (_name, change) => {
    const { node, verify, witnessed } = await attacked(rewrite(change, signer));
    expect(node).toBe('log_broken');
    expect(verify.some((code) => ['fork', 'rolled_back', 'promise_broken', 'receipt_broken'].includes(code))).toBe(true);
    expect(witnessed).not.toBe('cosigned');
  });

  test('abuse 95: an own key, put into the history and signed with: who trusts the log\'s key does not believe it, neither does the witness', async () => {
    const own = signerOf(createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 66)]), format: 'der', type: 'pkcs8' }), origin);
    const { verify, witnessed } = await attacked(rewrite((texts) => texts, own));
    expect(verify).toContain('checkpoint_untrusted');
    expect(witnessed).not.toBe('cosigned');
  });

  /** The newest entry as if it had not been added to the log yet. */
  const pending = (attack: string) => async (store: OpenStore) => {
    const { rows } = await store.pool.query<{ id: string; at: string }>(`select id, substring(body from '"at":([0-9]+)') as at from entry where id = $1`, [promised(kept.promises.at(-1) ?? '')]);
    const texts = (await store.log.texts(0n, 1_000)).map((text) => text ?? '');
    const index = texts.findIndex((text) => text.includes(`"id":"${rows[0]?.id}"`));
    await rewrite((all) => all.slice(0, index), signer)(store);
    for (const text of texts.slice(index)) {
      const { id, at } = JSON.parse(text) as { id: string; at: number };
      await store.pool.query(`insert into unsequenced values ('default', $1, $2, $3)`, [at, id, Buffer.from(leafHash(text))]);
    }
    await store.pool.query(attack.replaceAll('$promised', `'${rows[0]?.id}'`));
  };

  test('abuse 68: an entry that waits for the log is taken out of the queue: the promise shows that it is missing', async () => {
    const { verify } = await attacked(pending('delete from unsequenced where entry = $promised'));
    expect(verify).toContain('promise_broken');
  });

  test('abuse 95: an entry that waits for the log is rewritten with its leaf: the promise shows that it is another one', async () => {
    const { verify } = await attacked(async (store) => {
      await pending('select 1')(store);
      const text = (await store.pool.query<{ body: string }>('select body from entry where id = $1', [promised(kept.promises.at(-1) ?? '')])).rows[0]?.body ?? '';
      const other = text.replace('"gateway":', '"gateway_":');
      await store.pool.query('update entry set body = $2, leaf = $3 where id = $1', [promised(kept.promises.at(-1) ?? ''), other, Buffer.from(leafHash(other))]);
      await store.pool.query('update unsequenced set leaf = $2 where entry = $1', [promised(kept.promises.at(-1) ?? ''), Buffer.from(leafHash(other))]);
    });
    expect(verify).toContain('promise_broken');
  });

  test('abuse 74: a running node on a database that was set back refuses to sign and says so; on the right one it goes on', async () => {
    const { pathname } = new URL(base);
    await postgres?.query(`create database older template ${pathname.slice(1)}`);
    const store = await openPostgres(base.replace(/[^/]*$/, 'older'), 'default');
    await rewrite((texts) => texts.slice(0, 12), signer)(store);
    await store.pool.query('delete from unsequenced');
    await store.close();
    const before = readFileSync(join(governor.directory, '.flyball/log/default.checkpoint'), 'utf8');
    const onOlder = await startGovernor({ directory: governor.directory, env: { FLYBALL_DATABASE_URL: base.replace(/[^/]*$/, 'older') } });
    await waitFor(() => /were shown before; nothing is signed/.test(onOlder.log()) || undefined, 20_000);
    expect(readFileSync(join(governor.directory, '.flyball/log/default.checkpoint'), 'utf8')).toBe(before);
    await onOlder.kill('SIGKILL');
    const onRight = await startGovernor({ directory: governor.directory, env: { FLYBALL_DATABASE_URL: base } });
    await waitFor(() => readFileSync(join(governor.directory, '.flyball/log/default.checkpoint'), 'utf8') !== before || undefined, 20_000);
    expect(onRight.log()).not.toMatch(/nothing is signed/);
    await onRight.stop();
  });

  test('abuse 74: another database with a log of the same name and other entries: the node refuses to sign and says so', async () => {
    const other = (await postgres?.database()) ?? '';
    const own = writeInstallation({ files: moneyBundle(), config: `log: { origin: "${origin}" }`, upstreams: `  canary: { url: "${canary.url}" }` });
    cpSync(join(governor.directory, '.flyball/log-key.pem'), join(own, '.flyball/log-key.pem'));
    for (let n = 0; n < 2; n++) await must(own, ['sessions'], { FLYBALL_DATABASE_URL: other });
    const confused = await startGovernor({ directory: governor.directory, env: { FLYBALL_DATABASE_URL: other } });
    await waitFor(() => /were shown before; nothing is signed|are not those that were shown/.test(confused.log()) || undefined, 20_000);
    await confused.kill('SIGKILL');
  });
});
