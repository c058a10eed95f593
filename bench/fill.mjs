// node fill.mjs DATA_DIRECTORY ENTRIES: entries of past actions, written by the store's own writer. Prints the seconds it took.
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { intentBody, openedBody, openingPayload, outcomeBody, payloadOf } from './entries.mjs';
import { root } from './support.mjs';

const [directory, wanted] = process.argv.slice(2);
const server = (path) => import(pathToFileURL(join(root, 'packages/server/dist', path)).href);
const [{ openEmbedded }, { Ledger, Projections }, { foldSession }] = await Promise.all([server('store/open.js'), server('ledger/index.js'), server('session/index.js')]);

const perSession = 100;
const atOnce = 128;
const dayMs = 86_400_000;
const began = Date.now();
// A month's actions, all of them settled long ago.
const first = began - 31 * dayMs;
const step = (30 * dayMs) / Number(wanted);
let made = 0;
const clock = { now: () => Math.floor(first + made * step), offsetMs: 0 };
const store = await openEmbedded(directory, 'default');
const ledger = new Ledger('default', store.entries, new Projections(store.entries, { session: foldSession }), clock);

async function session(number) {
  const id = `filled-${number}`;
  const streams = [{ stream: `session:${id}` }];
  await ledger.append({ kind: 'session.opened', streams, body: openedBody(id), payload: openingPayload() });
  for (let action = 0; action < perSession && made < Number(wanted); action++) {
    made += 2;
    const payload = payloadOf('hi');
    const intent = await ledger.append({ kind: 'intent', streams, deadline: clock.now() + 60_000, body: intentBody(id), payload });
    await ledger.append({ kind: 'outcome', streams, settles: intent.id, body: outcomeBody(id) });
  }
}

let number = 0;
const worker = async () => {
  while (made < Number(wanted)) await session(number++);
};
await Promise.all(Array.from({ length: atOnce }, worker));
// What a governor that ran all this time would have noted: everything older is settled.
await store.entries.setMeta('settled-until', String(began - 10 * 60_000));
await store.close();
// And they are in the log, as they would be: whoever is measured does not begin with a month of it.
const [{ loadConfig }, { openGovernor }] = await Promise.all([server('config.js'), server('wiring.js')]);
const governor = await openGovernor(loadConfig(join(dirname(directory), 'flyball.yaml'), {}), () => undefined);
await governor.transparency.look();
await governor.close();
console.log(((Date.now() - began) / 1_000).toFixed(1));
