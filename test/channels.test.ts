import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { type MailHouse, SlackDouble, startMail, WebhookReceiver } from './support/channel-receivers.js';
import { moneyBundle, openClient, readRecord, startTwoNodes, transferTo, wasDone } from './support/exported-record.js';
import { command, type RunningGovernor, startGovernor, waitFor } from './support/governor.js';
import { decisionOf } from './support/mcp.js';
import { startPostgres } from './support/postgres.js';
import { resultOf } from './support/wire.js';

const guards = '@id("one-of-finance") @outcome("step_up") @approvers("finance") @within("10m") @reason("money leaves the house")\nforbid (principal, action == Action::"money.move", resource);\n';
const people = 'people:\n  - { id: ann, groups: [finance], email: ann@people.example }\n  - { id: ben, groups: [finance] }\n';
const env = { HOOK: 'canary-hook-secret-0123456789', TOKEN: 'xoxb-canary-token', SIGNING: 'canary-signing-secret' };

const postgres = await startPostgres();
let canary: Canary;
let receiver: WebhookReceiver;
let slack: SlackDouble;
let mail: MailHouse;
beforeAll(async () => {
  canary = await startCanary();
  receiver = await new WebhookReceiver(env.HOOK).start();
  slack = await new SlackDouble(env.TOKEN, env.SIGNING, ['C1']).start();
  mail = await startMail();
});
afterAll(async () => {
  canary.stop();
  await receiver.server?.close();
  await slack.server?.close();
  await mail.close();
  await postgres?.remove();
});

const hook = () => `  hook: { kind: webhook, url: "${receiver.url}", secret_from_env: HOOK }\n`;
const all = () => `channels:\n${hook()}  chat: { kind: slack, api: "${slack.api}", token_from_env: TOKEN, to: { "*": C1 }, show: preview, answers: { signing_secret_from_env: SIGNING, team: T1, app: A1, people: { UANN: ann } } }\n  post: { kind: mail, host: localhost, port: ${mail.port}, secure: starttls, ca_from_env: CA, from: flyball@house.example }\n`;
const options = (config: string) => ({ files: moneyBundle(guards, people), upstreams: `  canary: { url: "${canary.url}" }`, config, env: { ...env, CA: mail.ca } });
const toldOf = (hold: string | undefined) => receiver.kept.filter(({ data }) => data['hold'] === hold);

describe('a house with three channels', () => {
  let governor: RunningGovernor;
  beforeAll(async () => {
    governor = await startGovernor(options(all()));
  });
  afterAll(() => governor.remove());

  const callback = (body: Buffer | string, headers: Readonly<Record<string, string>>, path = '/v1/channels/chat/slack', method = 'POST') => fetch(governor.url(path), { method, ...(method === 'POST' && { body: new Uint8Array(Buffer.from(body)) }), headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } }).then(({ status }) => status);

  test('story: a machine asks, people are told three ways, one agrees in Slack, and it happens once', async () => {
    const client = await openClient(governor);
    const hold = decisionOf(resultOf(await transferTo(client, 'canary-shop'))).hold;
    await waitFor(() => (toldOf(hold).length > 0 && mail.letters.length > 0 && slack.messages.length > 0 ? true : undefined));
    expect(toldOf(hold)[0]?.data).toMatchObject({ said: 'asked', identity: 'tester', action: 'money.move', reasons: ['money leaves the house'] });
    expect(mail.letters[0]).toMatchObject({ to: ['ann@people.example'], secure: true });
    const [message] = slack.messages;
    if (!message) throw new Error('nothing was posted');
    const press = await waitFor(async () => {
      const made = slack.press(message, 'flyball_agree', slack.valueOf(message, 'flyball_agree') ?? '');
      expect(await callback(made.body, made.headers)).toBe(200);
      return (await waitFor(() => slack.responses.at(-1))).includes('agreed') ? made : undefined;
    });
    expect(await callback(press.body, press.headers)).toBe(401);
    await waitFor(() => (message.text === 'ann agreed: money.move by tester' && toldOf(hold).length === 2 && mail.letters.length === 2 ? true : undefined));
    expect(slack.valueOf(message, 'flyball_agree')).toBeUndefined();
    expect(wasDone(await transferTo(client, 'canary-shop'))).toBe(true);
    expect(slack.complaints).toEqual([]);
  });

  test('abuse 40: what is not Slack\'s has no effect and learns nothing', async () => {
    const big = Buffer.alloc(300 * 1024, 'x');
    expect([
      await callback('payload={}', {}),
      await callback('payload={}', { 'x-slack-request-timestamp': String(Math.floor(Date.now() / 1_000)), 'x-slack-signature': `v0=${'0'.repeat(64)}` }),
      await callback('payload={}', { 'content-type': 'application/json' }),
      await callback(big, {}),
      await callback('payload={}', {}, '/v1/channels/hook/slack'),
      await callback('payload={}', {}, '/v1/channels/none/slack'),
      await callback('', {}, '/v1/channels/chat/slack', 'GET'),
    ]).toEqual([401, 401, 400, 413, 404, 404, 405]);
  });

  test('law: who was told is in the record, and no secret and no argument of what was told is in the log of the process', async () => {
    await governor.kill('SIGTERM');
    const { entries } = await readRecord(governor.directory);
    const told = entries.filter(({ kind }) => kind === 'notified').map(({ body }) => `${String(body['channel'])} ${String(body['event'])} ${String(body['result'])}`);
    expect(told.sort()).toEqual(['chat answered delivered', 'chat asked delivered', 'hook answered delivered', 'hook asked delivered', 'post answered delivered', 'post asked delivered']);
    const secrets = Object.values(env).join('|');
    expect(JSON.stringify(entries)).not.toMatch(new RegExp(secrets));
    expect(governor.log()).not.toMatch(/canary-(hook|signing|shop)|xoxb/);
    expect([receiver.kept.map(({ raw }) => raw), mail.letters.map(({ raw }) => raw)].join()).not.toContain('canary-shop');
  });
});

const kills = Number(process.env['FLYBALL_CHANNEL_KILLS'] ?? 2);

test(`law: killed ${kills} times while machines ask and a receiver fails now and then, every question is told`, async () => {
  receiver.answer = (_delivery, response) => void response.writeHead(Math.random() < 0.4 ? 503 : 204).end();
  let governor = await startGovernor(options(`channels:\n${hook()}`));
  const holds: string[] = [];
  try {
    for (let round = 0; round < kills; round++) {
      // Few enough of each to be told one by one.
      const client = await openClient(governor, round % 2 === 0 ? 'tester' : 'other');
      holds.push(decisionOf(resultOf(await transferTo(client, `killed-${round}`))).hold ?? 'none');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1_200));
      await governor.kill('SIGKILL');
      governor = await startGovernor({ directory: governor.directory, env: { ...env, CA: mail.ca } });
    }
    await waitFor(() => (holds.every((hold) => toldOf(hold).length > 0) ? true : undefined));
    // However often one came, it was one message.
    for (const hold of holds) expect(new Set(toldOf(hold).map(({ id }) => id))).toEqual(new Set([`${hold}.asked`]));
    expect((await command(governor.directory, ['inbox', '--as', 'ann'])).code).toBe(0);
  } finally {
    receiver.answer = (_delivery, response) => void response.writeHead(204).end();
    await governor.remove();
  }
}, 180_000);

test.skipIf(!postgres)('law: of two nodes one tells, and when it is killed the other one goes on', async () => {
  const nodes = await startTwoNodes(options(`channels:\n${hook()}`), (await postgres?.database()) ?? '');
  const before = receiver.kept.length;
  try {
    const clients = await Promise.all(nodes.map((node) => openClient(node)));
    const holds = await Promise.all(clients.flatMap((client, n) => [1, 2].map(async (m) => decisionOf(resultOf(await transferTo(client, `pair-${n}-${m}`))).hold)));
    await waitFor(() => (holds.every((hold) => toldOf(hold).length > 0) ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(receiver.kept.length - before).toBe(holds.length);
    await nodes[0].kill('SIGKILL');
    const client = await openClient(nodes[1]);
    const last = decisionOf(resultOf(await transferTo(client, 'pair-last'))).hold;
    await waitFor(() => (toldOf(last).length > 0 ? true : undefined));
  } finally {
    await Promise.all(nodes.map((node) => node.remove()));
  }
});
