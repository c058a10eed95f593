import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ChannelNode, ChannelWorld, rule } from '../../../../../test/support/channel-house.js';
import { SlackDouble, type SlackMessage } from '../../../../../test/support/channel-receivers.js';
import { json, localServer, refusal } from '../../../../../test/support/identity-kit.js';
import type { HeaderOf } from './slack-callback.js';

const secrets = { TOKEN: 'xoxb-canary-token', SIGNING: 'canary-signing-secret', OTHER: 'another-signing-secret' };
const answers = { signing_secret_from_env: 'SIGNING', team: 'T1', app: 'A1', people: { UANN: 'ann', UBEN: 'ben', UCYD: 'cyd', UROB: 'robot' } };
let slack: SlackDouble;
let node: ChannelNode;
let world: ChannelWorld;

const config = (over: Readonly<Record<string, unknown>> = {}) => ({ kind: 'slack', api: slack.api, token_from_env: 'TOKEN', to: { finance: 'C1', managers: 'C2', '*': 'C3' }, show: 'preview', answers, ...over });
async function open(over: Readonly<Record<string, unknown>> = {}, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  node = await new ChannelNode(world, { chat: config(over), ...more }, secrets).start();
  await until(() => expect(world.tables.meta.has('channel:chat')).toBe(true));
}
beforeEach(async () => {
  world = new ChannelWorld();
  slack = await new SlackDouble(secrets.TOKEN, secrets.SIGNING, ['C1', 'C2', 'C3']).start();
});
afterEach(async () => {
  await node.stop();
  await slack.server?.close();
});

const until = <T>(look: () => T, timeout = 5_000) => vi.waitFor(look, { timeout, interval: 5 });
const headerOf = (headers: Readonly<Record<string, string>>): HeaderOf => (name) => headers[name];
const take = ({ body, headers }: { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> }, channel = 'chat') => refusal(node.notifier.takeSlack(channel, headerOf(headers), body));
const plain = ({ blocks }: SlackMessage): string => blocks.map(({ text, elements = [] }) => [text?.text ?? '', ...elements.flatMap((element) => (element.elements ?? []).map((inner) => inner.text))].join('\n')).join('\n');
const agreeTo = (message: SlackMessage): string => slack.valueOf(message, 'flyball_agree') ?? '';
const stateOf = async (hold: string): Promise<string> => (await node.questions.status(hold)).state;
const answersIn = (kind = 'approval') => [...world.tables.entries.values()].filter(({ entry }) => entry.kind === kind).length;

/** A question, and the message about it, which the record knows. */
async function posted(ask: Parameters<ChannelNode['ask']>[0] = {}): Promise<{ readonly hold: string; readonly message: SlackMessage }> {
  const before = slack.messages.length;
  const { id: hold } = await node.ask(ask);
  await until(() => expect(world.told().some(({ body }) => body['hold'] === hold)).toBe(true));
  const message = slack.messages[before];
  if (!message) throw new Error('nothing was posted');
  return { hold, message };
}

describe('what people see', () => {
  test('story: a question with its preview and two buttons; when it is answered the same message says so and has none', async () => {
    await open();
    const { hold, message } = await posted({ onBehalfOf: 'dora', approvals: [rule({ quorum: 2 })] });
    const preview = await node.questions.preview(await node.questions.find(hold));
    expect(message).toMatchObject({ channel: 'C1', text: 'agent-7 asks to do payment.release' });
    expect(plain(message)).toContain(preview.text);
    expect(plain(message)).toContain(`<https://flyball.example/inbox/${hold}|Open the page>`);
    expect(JSON.parse(agreeTo(message))).toEqual({ hold, seen: preview.digest });
    await node.holds.answer({ hold, person: 'ben', agrees: true, reason: '' });
    await until(() => expect(message.text).toBe('ben agreed: payment.release by agent-7'));
    expect(agreeTo(message)).not.toBe('');
    expect(await take(slack.press(message, 'flyball_agree', agreeTo(message)))).toBe('accepted');
    await until(() => expect(message.text).toBe('ann agreed: payment.release by agent-7'));
    expect(slack.valueOf(message, 'flyball_agree')).toBeUndefined();
    expect(slack.valueOf(message, 'flyball_refuse')).toBeUndefined();
    expect(await stateOf(hold)).toBe('approved');
    expect([slack.messages.length, slack.complaints]).toEqual([1, []]);
  });

  test('story: an answer in Slack is the person\'s, with what the message showed', async () => {
    await open();
    const { hold, message } = await posted();
    expect(await take(slack.press(message, 'flyball_agree', agreeTo(message)))).toBe('accepted');
    const approval = [...world.tables.entries.values()].find(({ entry }) => entry.kind === 'approval')?.entry;
    expect(approval?.body).toMatchObject({ hold, seen: (await node.questions.preview(await node.questions.find(hold))).digest });
    expect(await world.names.findName((approval?.body as { person: string }).person)).toBe('ann');
    await until(() => expect(slack.responses).toEqual([expect.stringContaining('You have agreed')]));
  });

  test('story: a refusal, and who has not been asked yet', async () => {
    await open();
    const { hold, message } = await posted({ approvals: [rule({ escalation: [{ afterMs: 60_000, group: 'managers' }] })] });
    world.aheadMs = 60_001;
    await until(() => expect(slack.messages.map(({ channel }) => channel)).toEqual(['C1', 'C2']));
    await until(() => expect(world.told()).toHaveLength(2));
    const [, second] = slack.messages;
    world.aheadMs = 60_002;
    expect(await take(slack.sign(slack.press(second ?? message, 'flyball_refuse', slack.valueOf(second ?? message, 'flyball_refuse') ?? '', { user: { id: 'UCYD', team_id: 'T1' } }).body, Math.floor(world.now() / 1_000)))).toBe('accepted');
    await until(() => expect(slack.messages.map(({ text }) => text)).toEqual(['cyd refused: payment.release by agent-7', 'cyd refused: payment.release by agent-7']));
    expect(await stateOf(hold)).toBe('refused');
  });

  test('story: without `show: preview` arguments stay out of Slack, and nobody agrees there to what is not shown', async () => {
    await open({ show: 'summary' });
    const { hold, message } = await posted({ args: { iban: 'canary-argument' } });
    expect(JSON.stringify(slack.messages)).not.toContain('canary-argument');
    expect(plain(message)).toContain('This cannot be agreed to here: this message does not show what is asked for.');
    const refuse = slack.valueOf(message, 'flyball_refuse') ?? '';
    expect(agreeTo(message)).toBe('');
    await take(slack.press(message, 'flyball_agree', refuse));
    expect(await stateOf(hold)).toBe('pending');
    await take(slack.press(message, 'flyball_refuse', refuse));
    expect(await stateOf(hold)).toBe('refused');
  });

  test('story: without `answers` there are no buttons, and no callback is taken', async () => {
    await open({ answers: undefined });
    const { message } = await posted();
    expect(slack.valueOf(message, 'flyball_refuse')).toBeUndefined();
    expect(await take(slack.press(message, 'flyball_refuse', '{}'))).toMatch(/^not_found/);
  });

  test.each<[string, Parameters<ChannelNode['ask']>[0], string]>([
    ['an answer that has to be signed', { approvals: [rule({ signature: 'webauthn' })] }, 'its answer has to be signed'],
    ['an answer that needs evidence', { approvals: [rule({ evidence: ['ticket'] })] }, 'its answer needs evidence'],
    ['a question that is too long', { args: { text: 'x'.repeat(4_000) } }, 'it is too long to be shown here'],
  ])('attack: %s cannot be given in Slack, with a button or without; refusing can', async (_name, ask, why) => {
    await open();
    const { hold, message } = await posted(ask);
    expect(plain(message)).toContain(why);
    expect(agreeTo(message)).toBe('');
    const refuse = slack.valueOf(message, 'flyball_refuse') ?? '';
    const { digest } = await node.questions.preview(await node.questions.find(hold));
    for (const value of [refuse, JSON.stringify({ hold, seen: digest })]) await take(slack.press(message, 'flyball_agree', value));
    await until(() => expect(slack.responses.filter((text) => text.includes(why))).toHaveLength(2));
    expect([answersIn(), await stateOf(hold)]).toEqual([0, 'pending']);
    await take(slack.press(message, 'flyball_refuse', refuse));
    expect(await stateOf(hold)).toBe('refused');
  });

  test('attack: markup, mentions and links in what a machine says do nothing in Slack', async () => {
    await open();
    const evil = '<!channel> <@UANN> <https://evil.example|click> *bold* \u202Eabc\r\n> quote &lt;';
    const { message } = await posted({ action: evil, args: { note: evil }, approvals: [rule({ reason: evil })] });
    for (const { text } of message.blocks) if (text?.type === 'mrkdwn') expect(text.text).toMatch(/^<https:\/\/flyball\.example\/inbox\/[0-9a-f-]+\|Open the page>$/);
    const outside = message.text + message.blocks.map(({ text }) => (text?.type === 'plain_text' ? text.text : '')).join();
    expect(outside).not.toMatch(/<|>|\u202E|\r/);
    expect(plain(message)).not.toMatch(/\u202E|\r/);
  });
});

describe('what is delivered', () => {
  test.each(['ratelimited', 'invalid_auth', 'channel_not_found', 'No Such <thing>'])('law: an answer of Slack\'s that is not ok (%s) is tried again, and named without its words', async (error) => {
    await open();
    slack.fail = () => error;
    await node.ask();
    await until(() => expect(node.log).toHaveLength(1));
    expect(node.log[0]).toContain(/^[a-z_]+$/.test(error) ? error : 'unknown');
    slack.fail = undefined;
    await until(() => expect(world.told()).toHaveLength(1));
  });

  test('story: a message that somebody deleted in Slack is no reason to try for ever', async () => {
    await open();
    const { hold } = await posted();
    slack.messages.length = 0;
    await node.holds.answer({ hold, person: 'ann', agrees: false, reason: '' });
    await until(() => expect(world.told().map(({ body }) => body['event'])).toEqual(['asked', 'answered']));
  });

  test('abuse 39: a flood is told together, and messages that are there are changed one by one', async () => {
    await open();
    const holds: string[] = [];
    for (let n = 0; n < 40; n++) holds.push((await node.ask({ identity: 'flood', forMs: 60_000 })).id);
    await until(() => expect(slack.messages.map(({ text }) => text)).toContain('flood: 35 more times `asked` within a short time'));
    expect(slack.messages).toHaveLength(6);
    expect(slack.messages.at(-1)?.blocks.some(({ type }) => type === 'actions')).toBe(false);
    world.aheadMs = 61_000;
    await node.settler.run();
    await until(() => expect(slack.messages.filter(({ text }) => text.startsWith('nobody answered in time')).length).toBeGreaterThanOrEqual(5));
    await until(() => expect(slack.messages.some(({ text }) => text.includes('more times `expired`'))).toBe(true));
    expect(slack.messages.length).toBeLessThan(6 + 5 + 5);
  });

  test('law: every message that is there is changed when its question ends, however many of them do at once', async () => {
    await open();
    for (let round = 1; round <= 3; round++) {
      for (let n = 0; n < 4; n++) await node.ask({ forMs: 60_000 });
      await until(() => expect(slack.messages).toHaveLength(4 * round));
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    world.aheadMs = 61_000;
    await node.settler.run();
    await until(() => expect(slack.messages.map(({ changes, text }) => `${changes} ${text}`)).toEqual(Array.from({ length: 12 }, () => '1 nobody answered in time: payment.release by agent-7')));
  });

  test('attack: the token and the signing secret are in no log, no entry and no kept state', async () => {
    await open();
    slack.fail = () => 'invalid_auth';
    await node.ask();
    await until(() => expect(node.log).toHaveLength(1));
    slack.fail = undefined;
    await until(() => expect(world.told()).toHaveLength(1));
    const errors = [await take(slack.sign(Buffer.from('payload=x'))), await take(slack.sign(Buffer.from('x'), 0)), await take({ body: Buffer.from(''), headers: {} })];
    const everything = [...errors, ...node.log, ...[...world.tables.entries.values()].map(({ text }) => text), ...world.tables.meta.values(), JSON.stringify(slack.messages)].join('\n');
    expect(everything).not.toContain('canary');
  });
});

describe('abuse 40: callbacks that are not an answer', () => {
  const now = () => Math.floor(Date.now() / 1_000);

  test.each<[string, (message: SlackMessage) => Parameters<typeof take>[0]]>([
    ['signed with another secret', (message) => slack.sign(slack.press(message, 'flyball_agree', agreeTo(message)).body, now(), secrets.OTHER)],
    ['without a signature', (message) => ({ body: slack.press(message, 'flyball_agree', agreeTo(message)).body, headers: { 'x-slack-request-timestamp': String(now()) } })],
    ['without a time', (message) => ({ ...slack.press(message, 'flyball_agree', agreeTo(message)), headers: { 'x-slack-signature': slack.press(message, 'flyball_agree', agreeTo(message)).headers['x-slack-signature'] ?? '' } })],
    ['six minutes old', (message) => slack.sign(slack.press(message, 'flyball_agree', agreeTo(message)).body, now() - 360)],
    ['six minutes from the future', (message) => slack.sign(slack.press(message, 'flyball_agree', agreeTo(message)).body, now() + 360)],
    ['with another time than was signed', (message) => ({ ...slack.press(message, 'flyball_agree', agreeTo(message)), headers: { ...slack.press(message, 'flyball_agree', agreeTo(message)).headers, 'x-slack-request-timestamp': String(now() - 1) } })],
    ['with a time that is no number', (message) => ({ ...slack.press(message, 'flyball_agree', agreeTo(message)), headers: { ...slack.press(message, 'flyball_agree', agreeTo(message)).headers, 'x-slack-request-timestamp': `${now()}abc` } })],
    ['whose body was changed', (message) => {
      const { body, headers } = slack.press(message, 'flyball_refuse', agreeTo(message));
      return { body: Buffer.from(body.toString().replace('flyball_refuse', 'flyball_agree')), headers };
    }],
    ['of another version of signatures', (message) => {
      const { body, headers } = slack.press(message, 'flyball_agree', agreeTo(message));
      return { body, headers: { ...headers, 'x-slack-signature': (headers['x-slack-signature'] ?? '').replace('v0', 'v1') } };
    }],
    ['of another team', (message) => slack.press(message, 'flyball_agree', agreeTo(message), { team: { id: 'T2' } })],
    ['of another app', (message) => slack.press(message, 'flyball_agree', agreeTo(message), { api_app_id: 'A2' })],
  ])('attack: one %s is refused and changes nothing', async (_name, press) => {
    await open();
    const { hold, message } = await posted();
    expect(await take(press(message))).toMatch(/^unauthenticated: /);
    expect([answersIn(), await stateOf(hold)]).toEqual([0, 'pending']);
  });

  test.each<[string, (message: SlackMessage) => Buffer]>([
    ['no form', () => Buffer.from('{"type":"block_actions"}')],
    ['no payload', () => Buffer.from('other=1')],
    ['two payloads', (message) => Buffer.from(`${slack.press(message, 'flyball_agree', agreeTo(message)).body.toString()}&payload={}`)],
    ['a payload that is no JSON', () => Buffer.from('payload=%7B')],
    ['a member twice', () => Buffer.from(`payload=${encodeURIComponent('{"type":"block_actions","type":"x"}')}`)],
    ['another kind of interaction', (message) => slack.press(message, 'flyball_agree', agreeTo(message), { type: 'view_submission' }).body],
    ['two actions', (message) => slack.press(message, 'x', 'y', { actions: [{ action_id: 'flyball_agree', value: agreeTo(message) }, { action_id: 'flyball_refuse', value: agreeTo(message) }] }).body],
    ['a button of somebody else\'s', (message) => slack.press(message, 'approve', agreeTo(message)).body],
    ['a value with more in it', (message) => slack.press(message, 'flyball_agree', agreeTo(message).replace('}', ',"person":"ben"}')).body],
    ['a hold that is a path', (message) => slack.press(message, 'flyball_agree', JSON.stringify({ hold: '../x', seen: '' })).body],
    ['more bytes than one has', (message) => Buffer.concat([slack.press(message, 'flyball_agree', agreeTo(message)).body, Buffer.from(`&other=${'x'.repeat(300 * 1024)}`)])],
  ])('attack: a signed body with %s is refused', async (_name, body) => {
    await open();
    const { hold, message } = await posted();
    expect(await take(slack.sign(body(message)))).toMatch(/^request_(malformed|too_large): /);
    expect(await stateOf(hold)).toBe('pending');
  });

  test('attack: the same callback twice is refused the second time', async () => {
    await open();
    const { hold, message } = await posted({ approvals: [rule({ quorum: 2 })] });
    const press = slack.press(message, 'flyball_agree', agreeTo(message));
    expect(await take(press)).toBe('accepted');
    expect(await take(press)).toMatch(/^unauthenticated/);
    expect([answersIn(), await stateOf(hold)]).toEqual([1, 'pending']);
  });

  test('attack: pressed twice by one person it counts once; out of order, what came first stands', async () => {
    await open();
    const { hold, message } = await posted({ approvals: [rule({ quorum: 2 })] });
    for (let n = 0; n < 3; n++) expect(await take(slack.press(message, 'flyball_agree', agreeTo(message)))).toBe('accepted');
    expect([answersIn(), await stateOf(hold)]).toEqual([1, 'pending']);
    const value = agreeTo(message);
    await take(slack.press(message, 'flyball_refuse', value, { user: { id: 'UBEN', team_id: 'T1' } }));
    await take(slack.press(message, 'flyball_agree', value, { user: { id: 'UBEN', team_id: 'T1' } }));
    expect([answersIn(), await stateOf(hold)]).toEqual([1, 'refused']);
  });

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['an account that is nobody\'s', { user: { id: 'UEVE', team_id: 'T1', name: 'ann', username: 'ann' } }],
    ['an account named like a member of every object', { user: { id: 'constructor', team_id: 'T1' } }],
    ['an account of another team, in a channel that is shared', { user: { id: 'UANN', team_id: 'T9' } }],
    ['somebody who is not in the group', { user: { id: 'UCYD', team_id: 'T1' } }],
    ['who asked', { user: { id: 'UROB', team_id: 'T1' } }],
  ])('attack: %s answers nothing, whatever it is called', async (_name, over) => {
    await open();
    const { hold, message } = await posted({ identity: 'robot' });
    for (const action of ['flyball_agree', 'flyball_refuse']) await take(slack.press(message, action, agreeTo(message), over));
    expect([answersIn(), await stateOf(hold)]).toEqual([0, 'pending']);
  });

  test('attack: a hold that was swapped, a digest of another preview, a message of another question', async () => {
    await open();
    const small = await posted({ args: { amount: 1 } });
    const large = await posted({ args: { amount: 1_000_000 } });
    const digestOf = async (hold: string) => (await node.questions.preview(await node.questions.find(hold))).digest;
    const [smallSeen, largeSeen] = [await digestOf(small.hold), await digestOf(large.hold)];
    const tries = [
      slack.press(small.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: largeSeen })),
      slack.press(small.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: smallSeen })),
      slack.press(large.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: smallSeen })),
      slack.press(large.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: '' })),
      slack.press({ channel: 'C1', ts: '1.1' }, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: largeSeen })),
      slack.press({ channel: 'C2', ts: large.message.ts }, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: largeSeen })),
      slack.press(small.message, 'flyball_refuse', JSON.stringify({ hold: large.hold, seen: largeSeen })),
    ];
    for (const press of tries) expect(await take(press)).toBe('accepted');
    await until(() => expect(slack.responses.filter((text) => text.includes('answer on the page'))).toHaveLength(tries.length));
    expect([answersIn(), await stateOf(small.hold), await stateOf(large.hold)]).toEqual([0, 'pending', 'pending']);
  });

  test('attack: what another channel posted, and signs with another secret, is no answer here', async () => {
    await open({}, { other: config({ answers: { ...answers, signing_secret_from_env: 'OTHER', team: 'T2' }, to: { '*': 'C3' } }) });
    const { hold, message } = await posted();
    await until(() => expect(slack.messages).toHaveLength(2));
    await until(() => expect(world.told()).toHaveLength(2));
    const foreign = slack.messages.find(({ channel }) => channel === 'C3') ?? message;
    const own = slack.messages.find(({ channel }) => channel === 'C1') ?? message;
    const cross = slack.press(own, 'flyball_agree', agreeTo(own));
    expect(await take(cross, 'other')).toMatch(/^unauthenticated/);
    expect(await take(slack.press(foreign, 'flyball_agree', agreeTo(foreign)))).toBe('accepted');
    await until(() => expect(slack.responses.join()).toContain('about another question'));
    expect([answersIn(), await stateOf(hold)]).toEqual([0, 'pending']);
  });

  test('attack: a response URL of somebody else\'s is told nothing', async () => {
    await open();
    const elsewhere = await localServer(json({}));
    const { message } = await posted({ approvals: [rule({ quorum: 3 })] });
    for (const url of [elsewhere.url, 'http://169.254.169.254/latest', 'https://hooks.slack.com.evil.example/x', 'file:///etc/passwd', 'x']) await take(slack.press(message, 'flyball_agree', agreeTo(message), { response_url: url }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([elsewhere.hits(), slack.responses]).toEqual([0, []]);
    await elsewhere.close();
  });
});
