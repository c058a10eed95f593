import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../config.js';
import { channelsConfig } from './config.js';

const hook = { kind: 'webhook', url: 'https://example.com/hook', secret_from_env: 'SECRET' };
const slack = { kind: 'slack', token_from_env: 'TOKEN', to: { finance: 'C1' } };
const answers = { signing_secret_from_env: 'SIGNING', team: 'T1', app: 'A1', people: { U1: 'ann' } };
const mail = { kind: 'mail', host: 'mail.example.com', from: 'flyball@example.com' };

test('story: three channels as people write them, with nothing on that was not asked for', () => {
  const channels = channelsConfig.parse({ hook, slack: { ...slack, answers }, mail: { ...mail, user_from_env: 'USER', password_from_env: 'PASSWORD' } });
  expect(channels).toMatchObject({ slack: { api: 'https://slack.com/api', show: 'summary' }, mail: { port: 465, secure: 'tls' } });
  expect(channelsConfig.parse({ slack })['slack']).not.toHaveProperty('answers');
  expect(channelsConfig.parse(undefined)).toEqual({});
});

describe('what is refused', () => {
  test.each<[string, object]>([
    ['a secret in the file', { ...hook, secret: 'x' }],
    ['a URL that is no web address', { ...hook, url: 'file:///etc/passwd' }],
    ['a misspelt member', { ...hook, group: ['finance'] }],
    ['no events', { ...hook, events: [] }],
    ['an event that there is none of', { ...hook, events: ['approved'] }],
    ['Slack without a place', { ...slack, to: {} }],
    ['a name of a Slack channel instead of its id', { ...slack, to: { finance: '#money' } }],
    ['answers without a team', { ...slack, answers: { ...answers, team: undefined } }],
    ['a person by a Slack name', { ...slack, answers: { ...answers, people: { '@ann': 'ann' } } }],
    ['a sender with a line break', { ...mail, from: 'a@b.example\r\nBcc: x@y.example' }],
    ['a recipient that is a list', { ...mail, to: { finance: ['a@b.example, c@d.example'] } }],
    ['a password without TLS', { ...mail, secure: 'none', user_from_env: 'U', password_from_env: 'P' }],
    ['a password without a user', { ...mail, password_from_env: 'P' }],
    ['a kind that there is none of', { kind: 'pager' }],
  ])('attack: %s', (_name, channel) => {
    expect(channelsConfig.safeParse({ channel }).success).toBe(false);
  });

  test.each(['Ops', 'a/b', '', '01a20359-f915-74f1-bb15-5efc65b29a4b'])('attack: %j as a name', (name) => {
    expect(channelsConfig.safeParse(Object.fromEntries([[name, hook]])).success).toBe(false);
  });
});

test('law: secrets come from the environment alone, and show themselves nowhere', () => {
  const config = parseConfig('channels:\n  ops: { kind: webhook, url: "https://example.com/hook", secret_from_env: SECRET }\n', '/tmp/flyball.yaml', { SECRET: 'canary' });
  expect(config.secretOf('SECRET')?.reveal()).toBe('canary');
  expect(JSON.stringify([config, config.secretOf('SECRET')])).not.toContain('canary');
});
