import { join, resolve } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import type { Config } from '../config.js';
import { type KeyHistory, type Ledger, loadKeys, LogKeys, PublishedHead, Sequencer, signerOf, TransparencyLog, Witnesses } from '../ledger/index.js';
import { monotonicMs } from '../lib/clock.js';
import { randomHandle } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { Log } from '../lib/log.js';
import { Post } from '../lib/post.js';
import type { OpenStore } from '../store/open.js';

/** The log of this tenant's record, with its keys. Throws `config_invalid` when the configuration is another log's. */
export async function openLog(config: Config, store: OpenStore, ledger: Ledger, log: Log): Promise<TransparencyLog> {
  const { data, tenant, directory } = config;
  const { origin } = await store.log.open(config.log.origin ?? `flyball/${tenant}/${randomHandle().slice(0, 8)}`);
  if (config.log.origin !== undefined && origin !== config.log.origin) throw new FlyballError('config_invalid', `expected \`log.origin\` to be \`${origin}\`: a log keeps its name`);
  const pems = loadKeys({ files: config.log.keys.map((file) => resolve(directory, file)), secret: config.logKeys, fallback: join(data, 'log-key.pem') });
  const keys = new LogKeys(pems.map((pem) => signerOf(pem, origin)), { read: (stream) => ledger.readNow<KeyHistory>(stream), append: (draft) => ledger.append(draft) });
  const published = new PublishedHead(join(data, 'log', `${tenant}.checkpoint`), origin, () => keys.verifiers);
  const sequencer = new Sequencer(store.log, published, () => keys.active, randomHandle(), monotonicMs);
  const witnesses = new Witnesses(config.log.witnesses.map(({ url, key }) => ({ key, post: witnessPost(url) })), store.log, monotonicMs);
  const parts = { origin, store: store.log, entries: store.entries, keys, published, sequencer, witnesses, shared: store.kind === 'postgres' };
  return new TransparencyLog(parts, (message, error) => log('error', message, { reason: error instanceof Error ? error.message : 'unknown' }));
}

function witnessPost(url: string) {
  const post = new Post(url, { bytesMax: limits.witnessBytesMax, timeoutMs: limits.witnessMs, connectionsMax: 1 });
  return async (body: string) => {
    const { status, contentType, bytes } = await post.send(body, { 'content-type': 'text/plain; charset=utf-8' });
    return { status, contentType, body: Buffer.from(bytes).toString('utf8') };
  };
}
