import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { command, writeInstallation } from './support/governor.js';

const folder = writeInstallation();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = (variable: string, place: string) => `expected a secret in the environment variable \`${variable}\`, which \`${place}\` of the configuration names`;
const slack = 'kind: slack, token_from_env: CHAT_TOKEN, to: { "*": C012345 }, answers: { signing_secret_from_env: CHAT_SIGNING, team: T012345, app: A012345, people: { U012345: ann } }';
const cases: readonly (readonly [place: string, config: string, env: Readonly<Record<string, string>>, message: string])[] = [
  ['a webhook', 'channels: { tickets: { kind: webhook, url: "https://tickets.example/", secret_from_env: TICKETS } }', {}, missing('TICKETS', 'channels.tickets.secret_from_env')],
  ['a webhook with an empty secret', 'channels: { tickets: { kind: webhook, url: "https://tickets.example/", secret_from_env: TICKETS } }', { TICKETS: '' }, missing('TICKETS', 'channels.tickets.secret_from_env')],
  ['a webhook with a short secret', 'channels: { tickets: { kind: webhook, url: "https://tickets.example/", secret_from_env: TICKETS } }', { TICKETS: 'canary-secret' }, 'expected a secret of at least 24 bytes, as text or as `whsec_` and base64, in the environment variable `TICKETS`, which `channels.tickets.secret_from_env` of the configuration names'],
  ['Slack', `channels: { chat: { ${slack} } }`, { CHAT_SIGNING: 'canary-secret' }, missing('CHAT_TOKEN', 'channels.chat.token_from_env')],
  ['answers in Slack', `channels: { chat: { ${slack} } }`, { CHAT_TOKEN: 'canary-secret' }, missing('CHAT_SIGNING', 'channels.chat.answers.signing_secret_from_env')],
  ['mail', 'channels: { post: { kind: mail, host: mail.example, from: a@example.com, user_from_env: MAIL_USER, password_from_env: MAIL_PASSWORD } }', { MAIL_USER: 'canary-secret' }, missing('MAIL_PASSWORD', 'channels.post.password_from_env')],
  ['a callback', 'access_requests: { callbacks: [{ url: "https://a.example/", identities: [tester], secret_from_env: FIRST }, { url: "https://b.example/", identities: [tester], secret_from_env: SECOND }] }', { FIRST: 'canary-secret' }, missing('SECOND', 'access_requests.callbacks.1.secret_from_env')],
  ['people\'s sign-in', 'sign_in: { issuer: "https://idp.example", client_id: flyball, client_secret_from_env: SIGN_IN, address: "http://localhost:7601" }', {}, missing('SIGN_IN', 'sign_in.client_secret_from_env')],
];

test.each(cases)('a secret that is not there is told with its place in the configuration: %s', async (_what, config, env, message) => {
  writeInstallation({ config, directory: folder });
  const { code, stderr } = await command(folder, ['up'], env);
  expect(code).toBe(1);
  expect(stderr).toContain(`flyball: ${message}\n`);
  expect(stderr).not.toContain('canary-secret');
}, 60_000);
