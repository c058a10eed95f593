import { afterEach, expect, test, vi } from 'vitest';
import { ChannelNode, ChannelWorld, quickPace, rule } from '../../../../../test/support/channel-house.js';
import { MemoryStore, MemoryTables } from '../../../../../test/support/memory-store.js';
import { WebhookReceiver } from '../../../../../test/support/channel-receivers.js';
import { Outbox } from './outbox.js';

const secret = 'canary-webhook-secret-0123456789';
const nodes: ChannelNode[] = [];
const receivers: WebhookReceiver[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  for (const receiver of receivers.splice(0)) await receiver.server?.close();
});
async function receive(): Promise<WebhookReceiver> {
  const receiver = await new WebhookReceiver(secret).start();
  receivers.push(receiver);
  return receiver;
}
function make(world: ChannelWorld, url: string, options: ConstructorParameters<typeof ChannelNode>[3] = {}): ChannelNode {
  const node = new ChannelNode(world, { hook: { kind: 'webhook', url, secret_from_env: 'SECRET' } }, { SECRET: secret }, options);
  nodes.push(node);
  return node;
}
const until = <T>(look: () => T, timeout = 10_000) => vi.waitFor(look, { timeout, interval: 5 });
const begun = (world: ChannelWorld) => until(() => expect(world.tables.meta.has('channel:hook')).toBe(true));

/** A store that is there for so many operations, and from then on not any more: what a process sees that was killed. */
function dyingAfter(operations: number) {
  let left = operations;
  const gate = () => (left-- > 0 ? new Promise<void>((resolve) => setImmediate(resolve)) : Promise.reject(new Error('killed')));
  return { gate, isDead: () => left <= 0 };
}

test('law: killed at any of 50 moments, nothing is lost, and what comes twice has the same key', async () => {
  for (let moment = 1; moment <= 50; moment++) {
    const world = new ChannelWorld();
    const receiver = await receive();
    const asking = make(world, receiver.url);
    const first = await make(world, receiver.url).start();
    await begun(world);
    await first.stop();
    const dying = dyingAfter(moment * 3);
    const killed = await make(world, receiver.url, { gate: dying.gate }).start();
    const holds = await Promise.all(['a', 'b', 'c', 'd'].map((identity) => asking.ask({ identity, approvals: [rule({ quorum: 2 })] })));
    for (const { id } of holds.slice(0, 2)) await asking.holds.answer({ hold: id, person: 'ann', agrees: true, reason: '' });
    await until(() => expect(dying.isDead()).toBe(true));
    await killed.stop();
    await make(world, receiver.url).start();
    const expected = holds.flatMap(({ id }, n) => (n < 2 ? ['asked', 'answered'] : ['asked']).map((event) => `${id} ${event}`)).sort();
    const told = () => world.told().map(({ body }) => `${body['hold']} ${body['event']}`).sort();
    await until(() => expect(told()).toEqual(expected));
    // Each of them arrived, and however often it did, it was one message.
    expect(receiver.ids().map((id) => id.split('.')[1]).sort()).toEqual(expected.map((line) => line.split(' ')[1]).sort());
    expect(world.told().every(({ body }) => body['result'] === 'delivered' && receiver.ids().includes(body['key'] ?? ''))).toBe(true);
    await Promise.all(nodes.splice(0).map((node) => node.stop()));
  }
}, 120_000);

test('law: a store that fails now and then at any step loses nothing', async () => {
  const world = new ChannelWorld();
  const receiver = await receive();
  const asking = make(world, receiver.url);
  let failing = false;
  const gate = () => (failing && Math.random() < 0.2 ? Promise.reject(new Error('no store')) : new Promise<void>((resolve) => setImmediate(resolve)));
  await make(world, receiver.url, { gate }).start();
  await begun(world);
  failing = true;
  const holds = await Promise.all(Array.from({ length: 40 }, (_, n) => asking.ask({ identity: `agent-${n}` })));
  await new Promise((resolve) => setTimeout(resolve, 300));
  failing = false;
  await until(() => expect(new Set(world.told().map(({ body }) => body['hold']))).toEqual(new Set(holds.map(({ id }) => id))));
  expect(new Set(receiver.kept.map(({ data }) => data['hold'])).size).toBe(40);
});

test('law: of several nodes one delivers, and when it is killed another one goes on', async () => {
  const world = new ChannelWorld();
  const receiver = await receive();
  const dying = dyingAfter(3_000);
  const killed = await make(world, receiver.url, { alone: false, gate: dying.gate }).start();
  await begun(world);
  await make(world, receiver.url, { alone: false }).start();
  const asking = make(world, receiver.url);
  const holds: string[] = [];
  for (let n = 0; !dying.isDead() || n < 20; n++) {
    holds.push((await asking.ask({ identity: `agent-${n}` })).id);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await killed.stop();
  holds.push((await asking.ask({ identity: 'after' })).id);
  await until(() => expect(new Set(world.told().map(({ body }) => body['hold']))).toEqual(new Set(holds)));
  // While both lived only one of them told; what was under way when it was killed may have come twice.
  expect(receiver.kept.length - receiver.ids().length).toBeLessThanOrEqual(4);
});

test('law: who lost the lease to another node can write nothing any more', async () => {
  const world = new ChannelWorld();
  const receiver = await receive();
  let slow = false;
  const gate = () => new Promise<void>((resolve) => void setTimeout(resolve, slow ? 900 : 0));
  await make(world, receiver.url, { alone: false, gate }).start();
  await begun(world);
  slow = true;
  await new Promise((resolve) => setTimeout(resolve, 2 * quickPace.leaseMs));
  const other = await make(world, receiver.url, { alone: false }).start();
  const holds = await Promise.all(['a', 'b', 'c'].map((identity) => other.ask({ identity })));
  await until(() => expect(new Set(world.told().map(({ body }) => body['hold']))).toEqual(new Set(holds.map(({ id }) => id))));
  slow = false;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(receiver.ids()).toHaveLength(3);
});

test('law: what a node writes of a channel that another one took over is not taken', async () => {
  const marks = new MemoryStore(new MemoryTables());
  const clock = { at: 1_000, offsetMs: 0, now: () => clock.at };
  const begin = () => Promise.resolve({ cursor: -1n, laddersMs: 0, waiting: [], floods: new Map() });
  const [first, second] = ['first', 'second'].map((holder) => new Outbox({ key: 'k', holder, leaseMs: 100, alone: false, begin }, marks, clock));
  const held = await first?.hold();
  expect(await second?.hold()).toBeUndefined();
  clock.at += 101;
  const taken = await second?.hold();
  if (!held || !taken) throw new Error('expected both to hold it in turn');
  taken.state.cursor = 7n;
  expect(await second?.save()).toBe(true);
  held.state.cursor = 3n;
  expect([await first?.save(), first?.holds(held.state), await first?.hold()]).toEqual([false, false, undefined]);
  expect(JSON.parse((await marks.getMeta('k')) ?? '')).toMatchObject({ holder: 'second', cursor: '7' });
  await second?.release();
  expect((await first?.hold())?.state.cursor).toBe(7n);
});

test('law: a full list of what waits stops the reading, and nothing in the log is lost', async () => {
  const world = new ChannelWorld();
  const receiver = await receive();
  let down = true;
  receiver.answer = (_delivery, response) => void response.writeHead(down ? 503 : 204).end();
  const node = await make(world, receiver.url).start();
  await begun(world);
  const holds = await Promise.all(Array.from({ length: 560 }, (_, n) => node.ask({ identity: `agent-${n}` })));
  await until(() => expect(JSON.parse(world.tables.meta.get('channel:hook') ?? '{}')).toMatchObject({ waiting: { length: 500 } }));
  down = false;
  await until(() => expect(new Set(world.told().map(({ body }) => body['hold']))).toEqual(new Set(holds.map(({ id }) => id))), 30_000);
}, 40_000);

test('attack: a state that another version wrote is not overwritten', async () => {
  const world = new ChannelWorld();
  const receiver = await receive();
  world.tables.meta.set('channel:hook', '{"v":2,"cursor":"7"}');
  const node = await make(world, receiver.url).start();
  await until(() => expect(node.log.join()).toContain('another version'));
  expect(world.tables.meta.get('channel:hook')).toBe('{"v":2,"cursor":"7"}');
});
