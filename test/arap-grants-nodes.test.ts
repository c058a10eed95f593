import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRecord, startTwoNodes } from './support/exported-record.js';
import { command, type RunningGovernor, waitFor } from './support/governor.js';
import { answerAs, grantsConfig, grantsFiles, GrantPep, questionsOf } from './support/grants-house.js';
import { startPostgres } from './support/postgres.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const rounds = 12;

describe.skipIf(postgres === undefined)('two nodes on one PostgreSQL', () => {
  let env: Readonly<Record<string, string>>;
  let nodes: readonly [RunningGovernor, RunningGovernor];
  let points: readonly [GrantPep, GrantPep];
  beforeAll(async () => {
    const url = (await postgres?.database()) ?? '';
    // Nodes that answer as one sign with one key.
    const key = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    env = { FLYBALL_DATABASE_URL: url, AUTHZEN_KEY: key };
    nodes = await startTwoNodes({ files: grantsFiles, config: grantsConfig({ more: 'authzen: { key_from_env: AUTHZEN_KEY }\n' }), env: { AUTHZEN_KEY: key } }, url);
    const token = await nodes[0].token('pep');
    points = [new GrantPep(nodes[0], token), new GrantPep(nodes[1], token)];
  }, 60_000);
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
  });

  test('story: denied over one node, looked up over the other, agreed to over the first, asked again over the second', async () => {
    const [one, two] = points;
    const denied = await one.lacking('robot-31');
    expect(await two.values(denied.evaluation)).toContain('watched');
    const { id } = await two.wanted(denied, 'watched');
    // What another node asked is in a node's list within a second.
    const hold = await waitFor(async () => (await questionsOf(nodes[0], 'robot-31'))[0], 20_000);
    await answerAs(nodes[0], 'ben', hold);
    const { task, result } = await one.ended(id);
    expect([task.status, (await two.task(id)).json.result?.approval.id]).toEqual(['approved', result?.approval.id]);
    expect((await two.again(denied.asked, result?.approval)).decision).toBe(true);
  });

  test('law: two submissions of one denial at once, over both, lead to one grant and to one question', async () => {
    const [one, two] = points;
    for (let index = 0; index < rounds; index++) {
      const name = `robot-${index}`;
      const denied = await (index % 2 === 0 ? one : two).lacking(name);
      const [left, right] = index % 3 === 0 ? (['quick', 'quick'] as const) : index % 3 === 1 ? (['quick', 'short'] as const) : (['watched', 'quick'] as const);
      const answers = await Promise.all([one.ask(denied, left, { minutes: 5 }), two.ask(denied, right, { minutes: 5 })]);
      const taken = answers.filter(({ json }) => json.task !== undefined);
      expect([taken.length, answers.filter(({ status }) => status === 400).length], JSON.stringify(answers.map(({ json }) => json))).toEqual([1, 1]);
    }
    const { entries, faults } = await readRecord(nodes[0].directory, env).then((record) => ({ entries: record.entries, faults: record.faults() }));
    const of = (kind: string, name: string) => entries.filter(({ kind: own, body }) => own === kind && body['identity'] === name).length;
    for (let index = 0; index < rounds; index++) expect(of('grant.opened', `robot-${index}`) + of('hold', `robot-${index}`), `robot-${index}`).toBe(1);
    expect([entries.filter(({ kind, body }) => kind === 'request.opened' && body['profile'] === 'arap').length, faults]).toEqual([rounds + 1, []]);
    expect((await command(nodes[0].directory, ['verify'], env)).code).toBe(0);
  }, 60_000);
});
