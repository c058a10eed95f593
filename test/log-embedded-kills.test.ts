import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, transferTo, wasDone } from './support/exported-record.js';
import { startGovernor, writeInstallation } from './support/governor.js';
import { audit, codes, exported, promised, promiseOf, receiptOf, statusOf } from './support/log-governor.js';
import { openWire, type WireClient } from './support/wire.js';

const kills = 3;
const clients = 8;

let canary: Canary;
let directory: string;
beforeAll(async () => {
  canary = await startCanary();
  directory = writeInstallation({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 1 }` });
});
afterAll(() => {
  canary.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Calls until the process is gone; keeps what it was promised. */
async function callUntilDead(client: WireClient, promises: string[]): Promise<void> {
  for (;;) {
    try {
      const answer = await transferTo(client, 'shop');
      if (wasDone(answer)) promises.push(promiseOf(answer));
    } catch {
      return;
    }
  }
}

test(`abuse 71: law: a whole governor with its embedded store killed ${kills} times under load: every promise is kept, every checkpoint and receipt that was shown is of the one log`, async () => {
  const promises: string[] = [];
  const kept = { receipts: [] as string[], earlier: [] as string[] };
  let token: string | undefined;
  for (let round = 0; round < kills; round++) {
    const governor = await startGovernor({ directory });
    token ??= await governor.token('tester');
    const client = await openWire(governor.url('/mcp/canary'), token);
    const asked = async () => {
      for (;;) kept.earlier.push(await (await fetch(governor.url('/log/checkpoint'))).text());
    };
    const calls = [asked().catch(() => undefined), ...Array.from({ length: clients }, () => callUntilDead(client, promises))];
    await new Promise((done) => setTimeout(done, 300 + ((round * 311) % 1_100)));
    await governor.kill('SIGKILL');
    await Promise.all(calls);
  }
  const last = await startGovernor({ directory });
  for (const promise of [promises[0], promises.at(-1)]) kept.receipts.push(await receiptOf(directory, promised(promise ?? '')));
  const { keys } = await statusOf(directory);
  const place = await exported(last);
  const earlier = [...new Set(kept.earlier)].filter((checkpoint) => checkpoint !== '');
  const verdict = await audit(place, { keys: Object.keys(keys), promises, receipts: kept.receipts, earlier }, { now: Date.now() + 60_000 });
  // What was under way at a kill has its outcome after its deadline, or is not due yet.
  expect(codes(verdict).filter((code) => code !== 'outcome_missing')).toEqual([]);
  expect(promises.length).toBeGreaterThan(kills);
  console.log(`${kills} kills; ${verdict.size} entries, ${promises.length} promises, ${earlier.length} checkpoints shown`);
  await last.remove();
  rmSync(place, { recursive: true });
}, 300_000);
