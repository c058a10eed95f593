import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rule } from '../../../../../test/support/channel-house.js';
import type { SlackMessage } from '../../../../../test/support/channel-receivers.js';
import { json, localServer } from '../../../../../test/support/identity-kit.js';
import { answers, type Press, secrets, SlackHouse, until } from '../../../../../test/support/slack-house.js';

let house: SlackHouse;
beforeEach(async () => void (house = await SlackHouse.start()));
afterEach(() => house.stop());

describe('abuse 40: callbacks that are not an answer', () => {
  const now = () => Math.floor(Date.now() / 1_000);

  test.each<[string, (message: SlackMessage) => Press]>([
    ['signed with another secret', (message) => house.slack.sign(house.agree(message).body, now(), secrets.OTHER)],
    ['without a signature', (message) => ({ body: house.agree(message).body, headers: { 'x-slack-request-timestamp': String(now()) } })],
    ['without a time', (message) => ({ ...house.agree(message), headers: { 'x-slack-signature': house.agree(message).headers['x-slack-signature'] ?? '' } })],
    ['six minutes old', (message) => house.slack.sign(house.agree(message).body, now() - 360)],
    ['six minutes from the future', (message) => house.slack.sign(house.agree(message).body, now() + 360)],
    ['with another time than was signed', (message) => ({ ...house.agree(message), headers: { ...house.agree(message).headers, 'x-slack-request-timestamp': String(now() - 1) } })],
    ['with a time that is no number', (message) => ({ ...house.agree(message), headers: { ...house.agree(message).headers, 'x-slack-request-timestamp': `${now()}abc` } })],
    ['whose body was changed', (message) => {
      const { body, headers } = house.slack.press(message, 'flyball_refuse', house.agreeTo(message));
      return { body: Buffer.from(body.toString().replace('flyball_refuse', 'flyball_agree')), headers };
    }],
    ['of another version of signatures', (message) => {
      const { body, headers } = house.agree(message);
      return { body, headers: { ...headers, 'x-slack-signature': (headers['x-slack-signature'] ?? '').replace('v0', 'v1') } };
    }],
    ['of another team', (message) => house.agree(message, { team: { id: 'T2' } })],
    ['of another app', (message) => house.agree(message, { api_app_id: 'A2' })],
  ])('attack: one %s is refused and changes nothing', async (_name, press) => {
    await house.open();
    const { hold, message } = await house.posted();
    expect(await house.take(press(message))).toMatch(/^unauthenticated: /);
    expect([house.answersIn(), await house.stateOf(hold)]).toEqual([0, 'pending']);
  });

  test.each<[string, (message: SlackMessage) => Buffer]>([
    ['no form', () => Buffer.from('{"type":"block_actions"}')],
    ['no payload', () => Buffer.from('other=1')],
    ['two payloads', (message) => Buffer.from(`${house.agree(message).body.toString()}&payload={}`)],
    ['a payload that is no JSON', () => Buffer.from('payload=%7B')],
    ['a member twice', () => Buffer.from(`payload=${encodeURIComponent('{"type":"block_actions","type":"x"}')}`)],
    ['another kind of interaction', (message) => house.agree(message, { type: 'view_submission' }).body],
    ['two actions', (message) => house.slack.press(message, 'x', 'y', { actions: [{ action_id: 'flyball_agree', value: house.agreeTo(message) }, { action_id: 'flyball_refuse', value: house.agreeTo(message) }] }).body],
    ['a button of somebody else\'s', (message) => house.slack.press(message, 'approve', house.agreeTo(message)).body],
    ['a value with more in it', (message) => house.slack.press(message, 'flyball_agree', house.agreeTo(message).replace('}', ',"person":"ben"}')).body],
    ['a hold that is a path', (message) => house.slack.press(message, 'flyball_agree', JSON.stringify({ hold: '../x', seen: '' })).body],
    ['more bytes than one has', (message) => Buffer.concat([house.agree(message).body, Buffer.from(`&other=${'x'.repeat(300 * 1024)}`)])],
  ])('attack: a signed body with %s is refused', async (_name, body) => {
    await house.open();
    const { hold, message } = await house.posted();
    expect(await house.take(house.slack.sign(body(message)))).toMatch(/^request_(malformed|too_large): /);
    expect(await house.stateOf(hold)).toBe('pending');
  });

  test('attack: the same callback twice is refused the second time', async () => {
    await house.open();
    const { hold, message } = await house.posted({ approvals: [rule({ quorum: 2 })] });
    const press = house.agree(message);
    expect(await house.take(press)).toBe('accepted');
    expect(await house.take(press)).toMatch(/^unauthenticated/);
    expect([house.answersIn(), await house.stateOf(hold)]).toEqual([1, 'pending']);
  });

  test('attack: pressed twice by one person it counts once; out of order, what came first stands', async () => {
    await house.open();
    const { hold, message } = await house.posted({ approvals: [rule({ quorum: 2 })] });
    for (let n = 0; n < 3; n++) expect(await house.take(house.agree(message))).toBe('accepted');
    expect([house.answersIn(), await house.stateOf(hold)]).toEqual([1, 'pending']);
    const value = house.agreeTo(message);
    await house.take(house.slack.press(message, 'flyball_refuse', value, { user: { id: 'UBEN', team_id: 'T1' } }));
    await house.take(house.slack.press(message, 'flyball_agree', value, { user: { id: 'UBEN', team_id: 'T1' } }));
    expect([house.answersIn(), await house.stateOf(hold)]).toEqual([1, 'refused']);
  });

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['an account that is nobody\'s', { user: { id: 'UEVE', team_id: 'T1', name: 'ann', username: 'ann' } }],
    ['an account named like a member of every object', { user: { id: 'constructor', team_id: 'T1' } }],
    ['an account of another team, in a channel that is shared', { user: { id: 'UANN', team_id: 'T9' } }],
    ['somebody who is not in the group', { user: { id: 'UCYD', team_id: 'T1' } }],
    ['who asked', { user: { id: 'UROB', team_id: 'T1' } }],
  ])('attack: %s answers nothing, whatever it is called', async (_name, over) => {
    await house.open();
    const { hold, message } = await house.posted({ identity: 'robot' });
    for (const action of ['flyball_agree', 'flyball_refuse']) await house.take(house.slack.press(message, action, house.agreeTo(message), over));
    expect([house.answersIn(), await house.stateOf(hold)]).toEqual([0, 'pending']);
  });

  test('attack: a hold that was swapped, a digest of another preview, a message of another question', async () => {
    await house.open();
    const small = await house.posted({ args: { amount: 1 } });
    const large = await house.posted({ args: { amount: 1_000_000 } });
    const digestOf = async (hold: string) => (await house.node.questions.preview(await house.node.questions.find(hold))).digest;
    const [smallSeen, largeSeen] = [await digestOf(small.hold), await digestOf(large.hold)];
    const tries = [
      house.slack.press(small.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: largeSeen })),
      house.slack.press(small.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: smallSeen })),
      house.slack.press(large.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: smallSeen })),
      house.slack.press(large.message, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: '' })),
      house.slack.press({ channel: 'C1', ts: '1.1' }, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: largeSeen })),
      house.slack.press({ channel: 'C2', ts: large.message.ts }, 'flyball_agree', JSON.stringify({ hold: large.hold, seen: largeSeen })),
      house.slack.press(small.message, 'flyball_refuse', JSON.stringify({ hold: large.hold, seen: largeSeen })),
    ];
    for (const press of tries) expect(await house.take(press)).toBe('accepted');
    await until(() => expect(house.slack.responses.filter((text) => text.includes('answer on the page'))).toHaveLength(tries.length));
    expect([house.answersIn(), await house.stateOf(small.hold), await house.stateOf(large.hold)]).toEqual([0, 'pending', 'pending']);
  });

  test('attack: what another channel posted, and signs with another secret, is no answer here', async () => {
    await house.open({}, { other: house.config({ answers: { ...answers, signing_secret_from_env: 'OTHER', team: 'T2' }, to: { '*': 'C3' } }) });
    const { hold, message } = await house.posted();
    await until(() => expect(house.slack.messages).toHaveLength(2));
    await until(() => expect(house.world.told()).toHaveLength(2));
    const foreign = house.slack.messages.find(({ channel }) => channel === 'C3') ?? message;
    const own = house.slack.messages.find(({ channel }) => channel === 'C1') ?? message;
    const cross = house.agree(own);
    expect(await house.take(cross, 'other')).toMatch(/^unauthenticated/);
    expect(await house.take(house.agree(foreign))).toBe('accepted');
    await until(() => expect(house.slack.responses.join()).toContain('about another question'));
    expect([house.answersIn(), await house.stateOf(hold)]).toEqual([0, 'pending']);
  });

  test('attack: a response URL of somebody else\'s is told nothing', async () => {
    await house.open();
    const elsewhere = await localServer(json({}));
    const { message } = await house.posted({ approvals: [rule({ quorum: 3 })] });
    for (const url of [elsewhere.url, 'http://169.254.169.254/latest', 'https://hooks.slack.com.evil.example/x', 'file:///etc/passwd', 'x']) await house.take(house.agree(message, { response_url: url }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([elsewhere.hits(), house.slack.responses]).toEqual([0, []]);
    await elsewhere.close();
  });
});
