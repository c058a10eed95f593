import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { command, openBundle, type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { clientSecret } from './support/oidc.js';
import { openPeopleHouse, Visitor } from './support/people-house.js';
import { freePort } from './support/programs.js';

const governors: RunningGovernor[] = [];
afterAll(() => Promise.all(governors.map((governor) => governor.remove())));

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly issuer?: string;
  readonly reason?: string;
}

const warnings = (governor: RunningGovernor): readonly Line[] => governor.log().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line).filter(({ level, msg }) => level === 40 && msg.includes('sign'));
const cannotBeAsked = { status: 401, value: { error: { code: 'unauthenticated', message: 'the place where people sign in cannot be asked now; try again' } } };

async function governorWith(issuer: string): Promise<{ readonly governor: RunningGovernor; readonly visitor: Visitor }> {
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const config = `identity: { local: true }\nadministrators: { host: 127.0.0.1, port: ${port} }\nsign_in: { issuer: "${issuer}", client_id: flyball, client_secret_from_env: SIGN_IN_SECRET, address: "${address}", allow_private_address: true }`;
  const governor = await startGovernor({ config, env: { SIGN_IN_SECRET: clientSecret } });
  governors.push(governor);
  return { governor, visitor: new Visitor(address) };
}

test('law: that the provider is not there is told to the operator, once in a minute and without what is secret', async () => {
  const issuer = `http://localhost:${await freePort()}`;
  const { governor, visitor } = await governorWith(`${issuer}/realm?x=canary-query`);
  for (let times = 0; times < 3; times++) expect(await visitor.ask('POST', '/sign-in/start', { return_to: '/', fresh: false })).toMatchObject(cannotBeAsked);
  await waitFor(() => (warnings(governor).length > 0 ? true : undefined));
  await governor.stop();
  expect(warnings(governor)).toMatchObject([{ msg: 'people cannot sign in: the provider of `sign_in` cannot be asked', issuer, reason: 'ECONNREFUSED' }]);
  expect(governor.log()).not.toContain(clientSecret);
  expect(governor.log()).not.toContain('canary');
});

test('law: a provider that answers with something else is told with the kind of it, and with none of its words', async () => {
  const server = createServer((_request, response) => response.writeHead(503, { 'content-type': 'text/plain' }).end('canary-words'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { governor, visitor } = await governorWith(`http://localhost:${(server.address() as AddressInfo).port}`);
  expect(await visitor.ask('POST', '/sign-in/start', { return_to: '/', fresh: false })).toMatchObject(cannotBeAsked);
  await waitFor(() => (warnings(governor).length > 0 ? true : undefined));
  server.close();
  expect(warnings(governor)).toMatchObject([{ reason: 'it answered with status 503' }]);
  expect(governor.log()).not.toContain('canary');
});

test('law: a provider that goes away in the middle of a sign-in is told; an answer that does not fit is not its fault', async () => {
  const house = await openPeopleHouse();
  governors.push(house.governor);
  const visitor = new Visitor(house.address);
  await visitor.toProvider('ann');
  expect((await visitor.ask('POST', '/sign-in/finish', { query: 'code=forged&state=forged' })).status).toBe(401);
  const back = await visitor.toProvider('ann');
  await house.provider.close();
  expect(await visitor.finish(back)).toMatchObject(cannotBeAsked);
  await waitFor(() => (warnings(house.governor).length > 0 ? true : undefined));
  expect(warnings(house.governor)).toMatchObject([{ issuer: house.provider.issuer, reason: 'ECONNREFUSED' }]);
  await house.close();
});

const signed = '@id("signed") @outcome("step_up") @approvers("finance") @signature("webauthn") @reason("finance signs")\nforbid (principal, action == Action::"anything.use", resource);\n';
const nobodyCan = /policies\/signed\.cedar:1: the policy `signed` asks for a passkey \(`@signature\("webauthn"\)`\), and nobody can sign in, so nobody can ever agree \(`sign_in` in flyball\.yaml\)/;

test('law: a policy that asks for a passkey where nobody can sign in is told: by check, at the start, at a reload', async () => {
  const plain = writeInstallation();
  const withPolicy = { ...openBundle, 'bundle/policies/signed.cedar': signed };
  try {
    expect((await command(plain, ['policy', 'check'])).stdout).not.toContain('passkey');
    writeInstallation({ directory: plain, files: withPolicy });
    expect((await command(plain, ['policy', 'check'])).stdout).toMatch(nobodyCan);
    writeInstallation({ directory: plain, files: withPolicy, config: 'sign_in: { issuer: "https://idp.example", client_id: flyball, address: "http://localhost:7601" }' });
    const { stdout } = await command(plain, ['policy', 'check']);
    expect(stdout).toContain('the bundle is valid');
    expect(stdout).not.toContain('passkey');
  } finally {
    rmSync(plain, { recursive: true, force: true });
  }

  const governor = await startGovernor();
  governors.push(governor);
  expect(governor.log()).not.toContain('passkey');
  writeFileSync(join(governor.directory, 'bundle/policies/signed.cedar'), signed);
  governor.child.kill('SIGHUP');
  const told = await waitFor(() => (governor.log().includes('bundle active') ? warnings(governor) : undefined));
  expect(told.map(({ msg }) => msg)).toEqual([expect.stringMatching(nobodyCan)]);
  expect((await governor.ask('operator', 'POST', '/v1/bundle/reload', {})).value).toMatchObject({ changed: false, warnings: [expect.stringMatching(nobodyCan)] });
  await governor.stop();
  const again = await startGovernor({ directory: governor.directory });
  governors.push(again);
  expect(warnings(again).map(({ msg }) => msg)).toEqual([expect.stringMatching(nobodyCan)]);
});
