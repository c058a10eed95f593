import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ChannelNode, rule } from '../../../../../test/support/channel-house.js';
import { plain, SlackHouse, until } from '../../../../../test/support/slack-house.js';

let house: SlackHouse;
beforeEach(async () => void (house = await SlackHouse.start()));
afterEach(() => house.stop());

describe('what people see', () => {
  test('story: a question with its preview and two buttons; when it is answered the same message says so and has none', async () => {
    await house.open();
    const { hold, message } = await house.posted({ onBehalfOf: 'dora', approvals: [rule({ quorum: 2 })] });
    const preview = await house.node.questions.preview(await house.node.questions.find(hold));
    expect(message).toMatchObject({ channel: 'C1', text: 'agent-7 asks to do payment.release' });
    expect(plain(message)).toContain(preview.text);
    expect(plain(message)).toContain(`<https://flyball.example/inbox/${hold}|Open the page>`);
    expect(JSON.parse(house.agreeTo(message))).toEqual({ hold, seen: preview.digest });
    await house.node.holds.answer({ hold, person: 'ben', agrees: true, reason: '' });
    await until(() => expect(message.text).toBe('ben agreed: payment.release by agent-7'));
    expect(house.agreeTo(message)).not.toBe('');
    expect(await house.take(house.agree(message))).toBe('accepted');
    await until(() => expect(message.text).toBe('ann agreed: payment.release by agent-7'));
    expect(house.slack.valueOf(message, 'flyball_agree')).toBeUndefined();
    expect(house.slack.valueOf(message, 'flyball_refuse')).toBeUndefined();
    expect(await house.stateOf(hold)).toBe('approved');
    expect([house.slack.messages.length, house.slack.complaints]).toEqual([1, []]);
  });

  test('story: an answer in Slack is the person\'s, with what the message showed', async () => {
    await house.open();
    const { hold, message } = await house.posted();
    expect(await house.take(house.agree(message))).toBe('accepted');
    const approval = [...house.world.tables.entries.values()].find(({ entry }) => entry.kind === 'approval')?.entry;
    expect(approval?.body).toMatchObject({ hold, seen: (await house.node.questions.preview(await house.node.questions.find(hold))).digest });
    expect(await house.world.names.findName((approval?.body as { person: string }).person)).toBe('ann');
    await until(() => expect(house.slack.responses).toEqual([expect.stringContaining('You have agreed')]));
  });

  test('story: a refusal, and who has not been asked yet', async () => {
    await house.open();
    const { hold, message } = await house.posted({ approvals: [rule({ escalation: [{ afterMs: 60_000, group: 'managers' }] })] });
    house.world.aheadMs = 60_001;
    await until(() => expect(house.slack.messages.map(({ channel }) => channel)).toEqual(['C1', 'C2']));
    await until(() => expect(house.world.told()).toHaveLength(2));
    const [, second] = house.slack.messages;
    house.world.aheadMs = 60_002;
    expect(await house.take(house.slack.sign(house.slack.press(second ?? message, 'flyball_refuse', house.slack.valueOf(second ?? message, 'flyball_refuse') ?? '', { user: { id: 'UCYD', team_id: 'T1' } }).body, Math.floor(house.world.now() / 1_000)))).toBe('accepted');
    await until(() => expect(house.slack.messages.map(({ text }) => text)).toEqual(['cyd refused: payment.release by agent-7', 'cyd refused: payment.release by agent-7']));
    expect(await house.stateOf(hold)).toBe('refused');
  });

  test('story: without `show: preview` arguments stay out of Slack, and nobody agrees there to what is not shown', async () => {
    await house.open({ show: 'summary' });
    const { hold, message } = await house.posted({ args: { iban: 'canary-argument' } });
    expect(JSON.stringify(house.slack.messages)).not.toContain('canary-argument');
    expect(plain(message)).toContain('This cannot be agreed to here: this message does not show what is asked for.');
    const refuse = house.slack.valueOf(message, 'flyball_refuse') ?? '';
    expect(house.agreeTo(message)).toBe('');
    await house.take(house.slack.press(message, 'flyball_agree', refuse));
    expect(await house.stateOf(hold)).toBe('pending');
    await house.take(house.slack.press(message, 'flyball_refuse', refuse));
    expect(await house.stateOf(hold)).toBe('refused');
  });

  test('story: without `answers` there are no buttons, and no callback is taken', async () => {
    await house.open({ answers: undefined });
    const { message } = await house.posted();
    expect(house.slack.valueOf(message, 'flyball_refuse')).toBeUndefined();
    expect(await house.take(house.slack.press(message, 'flyball_refuse', '{}'))).toMatch(/^not_found/);
  });

  test.each<[string, Parameters<ChannelNode['ask']>[0], string]>([
    ['an answer that has to be signed', { approvals: [rule({ signature: 'webauthn' })] }, 'its answer has to be signed'],
    ['an answer that needs evidence', { approvals: [rule({ evidence: ['ticket'] })] }, 'its answer needs evidence'],
    ['a question that is too long', { args: { text: 'x'.repeat(4_000) } }, 'it is too long to be shown here'],
  ])('attack: %s cannot be given in Slack, with a button or without; refusing can', async (_name, ask, why) => {
    await house.open();
    const { hold, message } = await house.posted(ask);
    expect(plain(message)).toContain(why);
    expect(house.agreeTo(message)).toBe('');
    const refuse = house.slack.valueOf(message, 'flyball_refuse') ?? '';
    const { digest } = await house.node.questions.preview(await house.node.questions.find(hold));
    for (const value of [refuse, JSON.stringify({ hold, seen: digest })]) await house.take(house.slack.press(message, 'flyball_agree', value));
    await until(() => expect(house.slack.responses.filter((text) => text.includes(why))).toHaveLength(2));
    expect([house.answersIn(), await house.stateOf(hold)]).toEqual([0, 'pending']);
    await house.take(house.slack.press(message, 'flyball_refuse', refuse));
    expect(await house.stateOf(hold)).toBe('refused');
  });

  test('attack: markup, mentions and links in what a machine says do nothing in Slack', async () => {
    await house.open();
    const evil = '<!channel> <@UANN> <https://evil.example|click> *bold* \u202Eabc\r\n> quote &lt;';
    const { message } = await house.posted({ action: evil, args: { note: evil }, approvals: [rule({ reason: evil })] });
    for (const { text } of message.blocks) if (text?.type === 'mrkdwn') expect(text.text).toMatch(/^<https:\/\/flyball\.example\/inbox\/[0-9a-f-]+\|Open the page>$/);
    const outside = message.text + message.blocks.map(({ text }) => (text?.type === 'plain_text' ? text.text : '')).join();
    expect(outside).not.toMatch(/<|>|\u202E|\r/);
    expect(plain(message)).not.toMatch(/\u202E|\r/);
  });
});

describe('what is delivered', () => {
  test.each(['ratelimited', 'invalid_auth', 'channel_not_found', 'No Such <thing>'])('law: an answer of Slack\'s that is not ok (%s) is tried again, and named without its words', async (error) => {
    await house.open();
    house.slack.fail = () => error;
    await house.node.ask();
    await until(() => expect(house.node.log).toHaveLength(1));
    expect(house.node.log[0]).toContain(/^[a-z_]+$/.test(error) ? error : 'unknown');
    house.slack.fail = undefined;
    await until(() => expect(house.world.told()).toHaveLength(1));
  });

  test('story: a message that somebody deleted in Slack is no reason to try for ever', async () => {
    await house.open();
    const { hold } = await house.posted();
    house.slack.messages.length = 0;
    await house.node.holds.answer({ hold, person: 'ann', agrees: false, reason: '' });
    await until(() => expect(house.world.told().map(({ body }) => body['event'])).toEqual(['asked', 'answered']));
  });

  test('abuse 39: a flood is told together, and messages that are there are changed one by one', async () => {
    await house.open();
    const holds: string[] = [];
    for (let n = 0; n < 40; n++) holds.push((await house.node.ask({ identity: 'flood', forMs: 60_000 })).id);
    await until(() => expect(house.slack.messages.map(({ text }) => text)).toContain('flood: 35 more times `asked` within a short time'));
    expect(house.slack.messages).toHaveLength(6);
    expect(house.slack.messages.at(-1)?.blocks.some(({ type }) => type === 'actions')).toBe(false);
    house.world.aheadMs = 61_000;
    await house.node.settler.run();
    await until(() => expect(house.slack.messages.filter(({ text }) => text.startsWith('nobody answered in time')).length).toBeGreaterThanOrEqual(5));
    await until(() => expect(house.slack.messages.some(({ text }) => text.includes('more times `expired`'))).toBe(true));
    expect(house.slack.messages.length).toBeLessThan(6 + 5 + 5);
  });

  test('law: every message that is there is changed when its question ends, however many of them do at once', async () => {
    await house.open();
    for (let round = 1; round <= 3; round++) {
      for (let n = 0; n < 4; n++) await house.node.ask({ forMs: 60_000 });
      await until(() => expect(house.slack.messages).toHaveLength(4 * round));
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    house.world.aheadMs = 61_000;
    await house.node.settler.run();
    await until(() => expect(house.slack.messages.map(({ changes, text }) => `${changes} ${text}`)).toEqual(Array.from({ length: 12 }, () => '1 nobody answered in time: payment.release by agent-7')));
  });

  test('attack: the token and the signing secret are in no log, no entry and no kept state', async () => {
    await house.open();
    house.slack.fail = () => 'invalid_auth';
    await house.node.ask();
    await until(() => expect(house.node.log).toHaveLength(1));
    house.slack.fail = undefined;
    await until(() => expect(house.world.told()).toHaveLength(1));
    const errors = [await house.take(house.slack.sign(Buffer.from('payload=x'))), await house.take(house.slack.sign(Buffer.from('x'), 0)), await house.take({ body: Buffer.from(''), headers: {} })];
    const everything = [...errors, ...house.node.log, ...[...house.world.tables.entries.values()].map(({ text }) => text), ...house.world.tables.meta.values(), JSON.stringify(house.slack.messages)].join('\n');
    expect(everything).not.toContain('canary');
  });
});
