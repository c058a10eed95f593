import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Ask, ChannelNode, ChannelWorld, rule } from '../../../../../test/support/channel-house.js';
import { WebhookReceiver } from '../../../../../test/support/channel-receivers.js';
import { json, localServer, type LocalServer } from '../../../../../test/support/identity-kit.js';

const secret = `whsec_${Buffer.from('canary-webhook-secret-0123456789').toString('base64')}`;
const nodes: ChannelNode[] = [];
const servers: LocalServer[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function receive(): Promise<WebhookReceiver> {
  const receiver = await new WebhookReceiver(secret).start();
  if (receiver.server) servers.push(receiver.server);
  return receiver;
}
async function open(url: string, over: Readonly<Record<string, unknown>> = {}, world = new ChannelWorld(), options: ConstructorParameters<typeof ChannelNode>[3] = {}): Promise<ChannelNode> {
  const node = new ChannelNode(world, { hook: { kind: 'webhook', url, secret_from_env: 'SECRET', ...over } }, { SECRET: secret }, options);
  nodes.push(node);
  await node.start();
  // A channel that is new begins at the end of the log.
  await vi.waitFor(() => expect(world.tables.meta.has('channel:hook')).toBe(true));
  return node;
}
const types = ({ kept }: WebhookReceiver) => kept.map(({ type, data }) => `${type} ${String(data['said'])}`);
const until = <T>(look: () => T, timeout = 5_000) => vi.waitFor(look, { timeout, interval: 10 });

describe('what is told', () => {
  test('story: a question and its answer, each signed, each recorded once as told', async () => {
    const receiver = await receive();
    const node = await open(receiver.url);
    const hold = await node.ask({ onBehalfOf: 'dora', args: { amount: 1_800, iban: 'canary-argument' } });
    await until(() => expect(types(receiver)).toEqual(['flyball.asked asked']));
    expect(receiver.kept[0]?.data).toEqual({ entry: hold.id, hold: hold.id, said: 'asked', identity: 'agent-7', on_behalf_of: 'dora', action: 'payment.release', reasons: ['money leaves the house'], groups: ['finance'], until: new Date(hold.deadline ?? 0).toISOString(), link: `https://flyball.example/inbox/${hold.id}` });
    await node.holds.answer({ hold: hold.id, person: 'ann', agrees: false, reason: 'canary-reason' });
    await until(() => expect(types(receiver)).toEqual(['flyball.asked asked', 'flyball.answered refused']));
    expect(receiver.kept[1]?.data).toMatchObject({ hold: hold.id, by: 'ann' });
    await until(() => expect(node.world.told().map(({ body, streams }) => [body['channel'], body['event'], body['result'], body['hold'], streams.map(({ stream }) => stream)])).toEqual([
      ['hook', 'asked', 'delivered', hold.id, ['notice:hook', `notice:${hold.id}`]],
      ['hook', 'answered', 'delivered', hold.id, ['notice:hook', `notice:${hold.id}`]],
    ]));
    expect(receiver.kept.map(({ raw }) => raw).join()).not.toMatch(/canary/);
    expect(receiver.refused).toEqual([]);
  });

  test('story: a question that nobody answered, one that was asked anew, one that waits for facts alone', async () => {
    const receiver = await receive();
    const node = await open(receiver.url);
    await node.ask({ forMs: 100, identity: 'late' });
    const first = await node.ask({ identity: 'again' });
    await node.ask({ identity: 'again', settles: first.id });
    await node.ask({ identity: 'facts', approvals: [] });
    node.world.aheadMs = 1_000;
    await node.settler.run();
    await until(() => expect(receiver.kept.map(({ type, data }) => `${String(data['identity'])} ${type} ${String(data['said'])}`).sort()).toEqual(expect.arrayContaining(['again flyball.answered superseded', 'again flyball.asked asked', 'late flyball.expired expired'])));
    expect(receiver.kept.some(({ data }) => data['identity'] === 'facts')).toBe(false);
  });

  test('story: nobody answers, so the next group is told, once, also after a restart', async () => {
    const receiver = await receive();
    const world = new ChannelWorld();
    const channel = { events: ['escalated'], groups: ['managers'] };
    const node = await open(receiver.url, channel, world);
    const ladder = { escalation: [{ afterMs: 60_000, group: 'managers' }, { afterMs: 120_000, group: 'security' }] };
    const hold = await node.ask({ approvals: [rule(ladder), rule(ladder)] });
    const answered = await node.ask({ approvals: [rule(ladder)] });
    await node.holds.answer({ hold: answered.id, person: 'ann', agrees: false, reason: '' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(receiver.kept).toEqual([]);
    world.aheadMs = 60_001;
    await until(() => expect(receiver.kept.map(({ type, data }) => [type, data['hold'], data['groups']])).toEqual([['flyball.escalated', hold.id, ['managers']]]));
    await until(() => expect(world.told()).toHaveLength(1));
    await node.stop();
    const again = await open(receiver.url, channel, world);
    world.aheadMs = 121_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(receiver.ids()).toHaveLength(1);
    expect(again.log).toEqual([]);
  });

  test('story: a step that was reached while nothing ran is told afterwards', async () => {
    const receiver = await receive();
    const world = new ChannelWorld();
    const node = await open(receiver.url, {}, world);
    await node.stop();
    const hold = await node.ask({ approvals: [rule({ escalation: [{ afterMs: 60_000, group: 'managers' }] })] });
    world.aheadMs = 90_000;
    await open(receiver.url, {}, world);
    await until(() => expect(types(receiver).sort()).toEqual(['flyball.asked asked', 'flyball.escalated escalated']));
    await until(() => expect(world.told().map(({ body }) => body['about'])).toEqual([hold.id, hold.id]));
  });

  test('story: a step that was passed before the question was known here is told, once', async () => {
    const receiver = await receive();
    const world = new ChannelWorld();
    world.aheadMs = 5_000;
    await open(receiver.url, { events: ['escalated'] }, world);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // The mark is ahead of the question, as where another node asked and this one was told late.
    world.aheadMs = 0;
    const elsewhere = new ChannelNode(world, {}, {});
    const hold = await elsewhere.ask({ approvals: [rule({ escalation: [{ afterMs: 1_000, group: 'managers' }] })] });
    await until(() => expect(receiver.kept.map(({ data }) => data['hold'])).toEqual([hold.id]));
    world.aheadMs = 10_000;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(receiver.kept).toHaveLength(1);
  });

  test('abuse 44: an emergency is told to everybody at once, with its reason, whatever the groups of a channel', async () => {
    const receiver = await receive();
    const node = await open(receiver.url, { groups: ['security'] });
    await node.emergencies.declare({ name: 'outage', person: 'ann', incident: 'INC-7', reason: 'the bank is down', identity: '*', action: 'payment.*' });
    await until(() => expect(receiver.kept[0]?.data).toMatchObject({ said: 'opened', identity: 'outage', by: 'ann', reasons: ['INC-7', 'the bank is down'] }));
    for (let n = 0; n < 7; n++) await node.emergencies.declare({ name: `outage-${n}`, person: 'ann', incident: 'INC-7', reason: 'down', identity: '*', action: '*' });
    await until(() => expect(receiver.kept.map(({ data }) => data['count'] ?? data['identity'])).toEqual(expect.arrayContaining(Array.from({ length: 7 }, (_, n) => `outage-${n}`))));
  });

  test('story: a channel is told of its events and its groups only', async () => {
    const receiver = await receive();
    const node = await open(receiver.url, { events: ['asked'], groups: ['security'] });
    await node.ask();
    const hold = await node.ask({ approvals: [rule({ approvers: 'security' }), rule()] });
    await until(() => expect(receiver.kept.map(({ data }) => data['hold'])).toEqual([hold.id]));
    await node.holds.answer({ hold: hold.id, person: 'ben', agrees: false, reason: '' });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(receiver.kept).toHaveLength(1);
  });
});

describe('a receiver that does not take it', () => {
  const outlets: readonly [string, (response: ServerResponse) => void][] = [
    ['answers 500', (response) => void response.writeHead(500).end()],
    ['hangs', () => undefined],
    ['answers 10 MB', (response) => void response.writeHead(200).end(Buffer.alloc(10 << 20, 'x'))],
    ['breaks the connection', (response) => void response.destroy()],
    ['redirects to the cloud\'s metadata', (response) => void response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end()],
  ];
  test.each(outlets)('attack: it %s for one question, the others are told meanwhile, and the one as soon as it can be', async (_name, answer) => {
    const receiver = await receive();
    const node = await open(receiver.url);
    const poison = await node.ask({ identity: 'poison' });
    let poisoned = true;
    receiver.answer = ({ data }, response) => (poisoned && data['hold'] === poison.id ? answer(response) : void response.writeHead(204).end());
    const others: string[] = [];
    for (let n = 0; n < 12; n++) others.push((await node.ask({ identity: `agent-${n}` })).id);
    const toldOf = () => node.world.told().map(({ body }) => body['hold']);
    await until(() => expect(toldOf().toSorted()).toEqual(others.toSorted()));
    poisoned = false;
    await until(() => expect(toldOf()).toContain(poison.id));
  });

  test('attack: six questions for which it hangs keep at most half of the ways busy, and the others are told', async () => {
    const receiver = await receive();
    const node = await open(receiver.url);
    const poisons = new Set<string>();
    const seen = new Set<string>();
    let [again, most, tries] = [0, 0, 0];
    receiver.answer = ({ id, data }, response) => {
      if (!poisons.has(String(data['hold']))) return void response.writeHead(204).end();
      if (!seen.has(id)) return void seen.add(id);
      tries++;
      most = Math.max(most, ++again);
      response.on('close', () => again--);
    };
    for (let n = 0; n < 6; n++) poisons.add((await node.ask({ identity: `poison-${n}` })).id);
    await until(() => expect(seen.size).toBe(6));
    await until(() => expect(most).toBeGreaterThan(0));
    const others: string[] = [];
    for (let n = 0; n < 12; n++) others.push((await node.ask({ identity: `agent-${n}` })).id);
    await until(() => expect(node.world.told().map(({ body }) => body['hold']).toSorted()).toEqual(others.toSorted()));
    await until(() => expect(tries).toBeGreaterThan(8), 15_000);
    expect(most).toBeLessThanOrEqual(2);
  });

  test('attack: a redirect is not followed', async () => {
    const elsewhere = await localServer(json({}));
    servers.push(elsewhere);
    const receiver = await receive();
    receiver.answer = (_delivery, response) => void response.writeHead(307, { location: elsewhere.url }).end();
    const node = await open(receiver.url);
    await node.ask();
    await until(() => expect(receiver.kept.length).toBeGreaterThan(2));
    expect([elsewhere.hits(), node.world.told()]).toEqual([0, []]);
  });

  test('law: of each question, things are told in their order, however often they fail', async () => {
    const receiver = await receive();
    const node = await open(receiver.url);
    const arrived: string[] = [];
    receiver.answer = ({ id, data }, response) => {
      const ok = Math.random() < 0.4;
      if (ok) arrived.push(`${String(data['hold'])} ${id.split('.')[1] ?? ''}`);
      response.writeHead(ok ? 200 : 503).end();
    };
    const holds = await Promise.all(Array.from({ length: 5 }, (_, n) => node.ask({ identity: `agent-${n}`, approvals: [rule({ quorum: 2 })] })));
    await until(() => expect(node.world.told()).toHaveLength(5));
    for (const { id } of holds) {
      await node.holds.answer({ hold: id, person: 'ann', agrees: true, reason: '' });
      await node.holds.answer({ hold: id, person: 'ben', agrees: false, reason: '' });
    }
    await until(() => expect(node.world.told()).toHaveLength(15));
    for (const { id } of holds) expect(arrived.filter((line) => line.startsWith(id)).map((line) => line.split(' ')[1])).toEqual(['asked', 'answered', 'answered']);
  });

  test('law: what cannot be told before its question has ended is dropped, and the record says so', async () => {
    const receiver = await receive();
    receiver.answer = ({ type }, response) => void response.writeHead(type === 'flyball.asked' ? 500 : 200).end();
    const node = await open(receiver.url);
    const hold = await node.ask();
    await until(() => expect(receiver.kept.length).toBeGreaterThan(1));
    await node.holds.answer({ hold: hold.id, person: 'ann', agrees: false, reason: '' });
    await until(() => expect(node.world.told().map(({ body }) => [body['event'], body['result'], body['why']])).toEqual([['asked', 'dropped', 'its question has ended'], ['answered', 'delivered', undefined]]));
  });

  test('story: 410 ends a channel, alarms, and is asked again when its address is another one', async () => {
    const receiver = await receive();
    receiver.answer = (_delivery, response) => void response.writeHead(410).end();
    const world = new ChannelWorld();
    const node = await open(receiver.url, {}, world);
    await node.ask({ identity: 'one' });
    await until(() => expect(world.told().map(({ body }) => body['result'])).toEqual(['gone']));
    await node.ask({ identity: 'two' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(receiver.kept).toHaveLength(1);
    expect(node.log.filter((line) => line.includes('"error"'))).toHaveLength(1);
    await node.stop();
    const other = await receive();
    await open(other.url, {}, world);
    await until(() => expect(other.kept.map(({ data }) => data['identity'])).toEqual(['two']));
  });

  test('attack: the secret, and what the receiver says, are in no log and no entry', async () => {
    const receiver = await receive();
    receiver.answer = (_delivery, response) => void response.writeHead(500).end('canary-answer');
    const node = await open(receiver.url);
    await node.ask();
    await until(() => expect(receiver.kept.length).toBeGreaterThan(2));
    const everything = [...node.log, ...[...node.world.tables.entries.values()].map(({ text }) => text), ...node.world.tables.meta.values()].join('\n');
    expect(node.log).toHaveLength(1);
    expect(everything).not.toMatch(/canary-answer|canary-webhook|whsec|Y2FuYXJ5/);
  });
});

test('attack: a text that hides something is shown as it is', async () => {
  const receiver = await receive();
  const node = await open(receiver.url);
  await node.ask({ approvals: [rule({ reason: 'pay \u202Eevil\u202C\r\nBcc: x\u200B' })] });
  await until(() => expect(receiver.kept[0]?.data['reasons']).toEqual(['pay \\u{202E}evil\\u{202C}\\u{000D}\\u{000A}Bcc: x\\u{200B}']));
});

test('abuse 39: 10,000 questions of one machine are a handful of messages, and another one\'s question is told by itself', async () => {
  const receiver = await receive();
  const node = await open(receiver.url);
  const flood = (session: number): Promise<unknown> => Promise.all(Array.from({ length: 100 }, () => node.ask({ identity: 'flood', session: `s-${session}` } as Ask)));
  const asking = Array.from({ length: 100 }, (_, n) => flood(n));
  const single = await node.ask({ identity: 'quiet' });
  await Promise.all(asking);
  const messages = () => [...new Map(receiver.kept.map((delivery) => [delivery.id, delivery])).values()];
  const counted = () => messages().reduce((sum, { data }) => sum + (data['identity'] === 'flood' ? Number(data['count'] ?? 1) : 0), 0);
  await until(() => expect(counted()).toBe(10_000), 60_000);
  expect(messages().length).toBeLessThan(200);
  await until(() => expect(messages().filter(({ data }) => data['identity'] === 'quiet').map(({ data }) => data['hold'])).toEqual([single.id]));
  // A message is written down when it was taken, so a moment later.
  const told = () => node.world.told().find(({ body }) => body['count'] !== undefined);
  await until(() => expect(told()).toBeDefined());
  const batch = told()?.body;
  expect(Number(batch?.['last']) - Number(batch?.['first'])).toBeGreaterThanOrEqual(Number(batch?.['count']) - 1);
}, 90_000);

test('attack: a secret that is missing or short, and an address of the cloud\'s metadata without TLS, start nothing', () => {
  const start = (url: string, secrets: Readonly<Record<string, string>>) => () => new ChannelNode(new ChannelWorld(), { hook: { kind: 'webhook', url, secret_from_env: 'SECRET' } }, secrets);
  expect(start('https://example.com/hook', {})).toThrow('`SECRET`');
  expect(start('https://example.com/hook', { SECRET: 'short' })).toThrow('at least 24 bytes');
  expect(start('http://8.8.8.8/hook', { SECRET: secret })).toThrow('https');
  expect(start('https://example.com/hook?token=1', { SECRET: secret })).toThrow('without user');
});
