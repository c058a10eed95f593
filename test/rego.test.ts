import { rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Decision } from '@flyball/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { strictest } from '../packages/server/src/policy/decide.js';
import { decideByBundle, decideByServer } from '../packages/server/src/policy/rego/decide-by-rego.js';
import { OpaServer } from '../packages/server/src/policy/rego/opa-rest.js';
import { OpaWasm } from '../packages/server/src/policy/rego/opa-wasm.js';
import { brokenRego, readRegoDecision, type RegoTerms } from '../packages/server/src/policy/rego/rego-decision.js';
import { regoInput } from '../packages/server/src/policy/rego/rego-input.js';
import { type Canary, startCanary } from './support/canary.js';
import { seeded } from './support/cedar-world.js';
import { moneyBundle, openClient, reached, transferTo, wasDone } from './support/exported-record.js';
import { command, type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { decisionOf, type RawAnswer } from './support/mcp.js';
import { localServer, type LocalServer } from './support/identity-kit.js';
import { type Evaluation, Opa, type OpaProcess, realOpa } from './support/opa.js';
import { compile, decided } from './support/policy-kit.js';
import { actions } from './support/record.js';
import { RegoWorld } from './support/rego-world.js';
import { ruling } from './support/rego-kit.js';
import { isRefusal, resultOf, rpc, type WireClient } from './support/wire.js';

const program = await realOpa();
if (program === undefined) console.warn('test/rego.test.ts is skipped: there is no Go to build OPA with');

let opa: Opa;
beforeAll(() => {
  opa = new Opa(program ?? '');
});
afterAll(() => opa.remove());

describe.skipIf(program === undefined)('compiled and asked by REST', () => {
  const policiesCount = 30;
  const attemptsEach = 20;
  const casesLeast = 500;
  let server: OpaProcess;
  let rest: OpaServer;
  beforeAll(async () => {
    server = await opa.serve();
    rest = new OpaServer({ url: server.url, token: undefined, timeoutMs: 10_000 });
  });
  afterAll(async () => {
    await rest.close();
    await server.stop();
  });

  test('law: a policy says what `opa eval` says, and leads to the same decision', async () => {
    const bundle = compile('', ruling({ outcome: 'deny', policies: [{ id: 'never' }] }));
    const seen = new Map<string, number>();
    const differing: unknown[] = [];
    let cases = 0;
    for (let seed = 1; seed <= policiesCount; seed++) {
      const world = new RegoWorld(seeded(seed));
      const rego = world.rego();
      const wasm = OpaWasm.load(await opa.build(rego));
      await server.put(rego);
      const attempts = await Promise.all(Array.from({ length: attemptsEach }, () => decided(bundle, world.attempt())));
      const asked = attempts.map(({ inputs }) => ({ inputs, questions: inputs.resources.map((resource) => regoInput(inputs, resource, bundle.actionGroups.get(inputs.action) ?? [])) }));
      const evaluated = [...(await opa.evaluate(rego, asked.flatMap(({ questions }) => questions)))];
      for (const { inputs, questions } of asked) {
        const expected = evaluated.splice(0, questions.length);
        const raw = text(expected.some((one) => 'error' in one) ? 'error' : expected.map((one) => ('result' in one ? one.result : undefined)));
        const decision = decisionFrom(expected, bundle);
        const answers = [await saidBy(() => wasm.answers(questions)), await saidBy(() => rest.answers(questions))];
        const decisions = [decideByBundle(inputs, wasm, bundle), await decideByServer(inputs, rest, bundle)];
        if (answers.some((answer) => text(answer) !== raw) || decisions.some((one) => told(one) !== told(decision))) differing.push({ seed, rego: rego.policy, questions, raw, answers, decisions });
        cases += questions.length;
        for (const word of [decision.outcome, decision.kind]) seen.set(word, (seen.get(word) ?? 0) + 1);
      }
    }
    console.log(`${cases} cases, ${differing.length} mismatches; ${[...seen].map(([word, count]) => `${word} ${count}`).join(', ')}`);
    expect(differing).toEqual([]);
    expect(cases).toBeGreaterThanOrEqual(casesLeast);
    for (const word of ['allow', 'modify', 'step_up', 'defer', 'forbidden', 'guard_broken']) expect(seen.get(word), word).toBeGreaterThan(10);
  });

  test('attack: an input that would make the compiled rule run for minutes, or take memory without end, is no answer, in time', async () => {
    const policy = 'package flyball\ndecision := {"outcome": "allow", "policies": [{"id": "a"}]} if {\n  some a in input.list; some b in input.list; some c in input.list; some d in input.list; a + b + c + d < 0\n}\n';
    const wasm = OpaWasm.load(await opa.build({ policy }));
    expect(wasm.answers([{ list: [1] }])).toEqual([undefined]);
    const start = performance.now();
    expect(() => wasm.answers([{ list: Array.from({ length: 1_000 }, (_, i) => i) }])).toThrow(/within 250 ms|opa_malloc/);
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(wasm.answers([{ list: [-1] }])).toEqual([{ outcome: 'allow', policies: [{ id: 'a' }] }]);
  });

  test('attack: what a compiled rule cannot have: network, clock, environment, dice and the library\'s own functions', async () => {
    for (const call of ['http.send({"method": "get", "url": "http://127.0.0.1"})', 'time.now_ns()', 'opa.runtime()', 'rand.intn("a", 5)', 'net.lookup_ip_addr("localhost")', 'sprintf("%d", [1])', 'regex.split("a", "b")', 'yaml.unmarshal("a")', 'trace("a")']) {
      const archive = await opa.build({ policy: `package flyball\ndecision := {"outcome": "allow", "policies": [{"id": "a"}]} if ${call}\n` });
      expect(() => OpaWasm.load(archive), call).toThrow(`got \`${call.slice(0, call.indexOf('('))}\``);
    }
  });
});

async function saidBy(ask: () => readonly unknown[] | Promise<readonly unknown[]>): Promise<unknown> {
  try {
    return await ask();
  } catch {
    return 'error';
  }
}

function decisionFrom(expected: readonly Evaluation[], terms: RegoTerms): Decision {
  const [first, ...rest] = expected.map((one) => ('result' in one ? readRegoDecision(one.result, terms, 'rego') : brokenRego('', terms, 'rego')));
  if (!first) throw new Error('nothing was asked');
  return strictest([first, ...rest]);
}

/** JSON with members in order, and `undefined` told from `null`. Lists of policies are made of sets, which have no order. */
function text(value: unknown): string {
  const ordered = (key: string, item: unknown): unknown => {
    if (item === undefined) return 'undefined!';
    if (Array.isArray(item)) return key === 'policies' ? item.map(text).sort() : (item as unknown);
    return typeof item === 'object' && item !== null ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item;
  };
  return JSON.stringify(value, ordered);
}

/** A decision without the name of who made it; what is wrong with a rule each of them says in its own words. */
const told = (decision: Decision): string => text({ ...decision, verdicts: decision.verdicts.map((verdict) => ({ ...verdict, error: verdict.result })) }).replaceAll('"opa/', '"rego/');

const basics = '  "mcp-protocol" in input.action.groups\n';
const rules = `package flyball

default decision := {"outcome": "deny", "policies": [{"id": "rest", "reason": "no rule allows this"}]}

decision := {"outcome": "allow", "policies": [{"id": "protocol"}]} if {
${basics}} else := {"outcome": "deny", "policies": [{"id": "blocked-receiver", "reason": $"{input.context.args.to} is blocked"}]} if {
  input.context.args.to in data.blocked
} else := {"outcome": "step_up", "policies": [{"id": "large", "reason": "large transfers need finance"}], "approvals": [{"approvers": "finance", "within": "10m"}]} if {
  input.context.args.amount > 1000
} else := {"outcome": "modify", "policies": [{"id": "capped", "reason": "one hundred at most"}], "modify": {"caps": {"amount": 100}}} if {
  input.context.args.amount > 100
} else := {"outcome": "allow", "policies": [{"id": "small"}]} if {
  input.action.name == "money.move"
  input.context.args.amount <= 100
}
`;

const refusedAs = (answer: RawAnswer): string | undefined => decisionOf(resultOf(answer)).outcome;
const amounts = (canary: Canary, to: string) => canary.calls().flatMap(({ args }) => ((args as { to?: string } | undefined)?.to === to ? [(args as { amount: number }).amount] : []));

const governors: RunningGovernor[] = [];
let canary: Canary;
beforeAll(async () => {
  canary = await startCanary();
});
afterAll(async () => {
  await Promise.all(governors.map((governor) => governor.remove()));
  canary.stop();
});

interface Wish {
  readonly files?: Readonly<Record<string, string>>;
  readonly archive?: Buffer;
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function governed({ files = moneyBundle(), archive, config = '', env = {} }: Wish): Promise<RunningGovernor> {
  const directory = writeInstallation({ files: { ...files, 'bundle/rego/README.md': '' }, config, upstreams: `  canary: { url: "${canary.url}" }` });
  if (archive) writeFileSync(join(directory, 'bundle/rego/bundle.tar.gz'), archive);
  const governor = await startGovernor({ directory, env });
  governors.push(governor);
  return governor;
}

/** The newest transfer of a kind, explained to an operator. */
async function explained(governor: RunningGovernor, kind: string): Promise<string> {
  const [newest] = (await actions(governor)).filter((row) => row.kind === kind && row.action === 'money.move');
  return (await command(governor.directory, ['explain', newest?.id ?? 'none'])).stdout;
}

describe.skipIf(program === undefined)('a governor with real OPA', () => {
  test('story: a compiled Rego rule allows, caps, asks people and denies, beside Cedar, on a real MCP call', async () => {
    const governor = await governed({ archive: await opa.build({ policy: rules, data: { blocked: ['mallory'] } }) });
    const client = await openClient(governor);
    expect(wasDone(await transferTo(client, 'small'))).toBe(true);
    expect(wasDone(await transferTo(client, 'capped', { amount: 500 }))).toBe(true);
    expect(amounts(canary, 'capped')).toEqual([100]);

    const denied = await transferTo(client, 'mallory');
    expect(refusedAs(denied)).toBe('deny');
    expect(denied.text).not.toMatch(/blocked|rego|bundle/i);
    expect(await explained(governor, 'refusal')).toMatch(/forbid rego\/blocked-receiver: satisfied \(rego\/bundle\.tar\.gz\)\s+mallory is blocked/);

    const held = await transferTo(client, 'large', { amount: 1_000.01 });
    const { outcome, hold } = decisionOf(resultOf(held));
    expect([outcome, held.text.includes('finance')]).toEqual(['step_up', false]);
    expect(reached(canary)).not.toContain('large');
    expect((await command(governor.directory, ['approve', hold ?? 'none', '--as', 'ann'])).code).toBe(0);
    expect(wasDone(await transferTo(client, 'large', { amount: 1_000.01 }))).toBe(true);
    expect(amounts(canary, 'large')).toEqual([1_000.01]);
    expect(reached(canary)).not.toContain('mallory');
  });

  test('story: another rule is another bundle; one that is broken changes nothing', async () => {
    const governor = await governed({ archive: await opa.build({ policy: rules, data: { blocked: [] } }) });
    const client = await openClient(governor);
    const publish = async (bytes: Uint8Array, expected: RegExp) => {
      writeFileSync(join(governor.directory, 'bundle/rego/bundle.tar.gz'), bytes);
      const before = governor.log().length;
      governor.child.kill('SIGHUP');
      await waitFor(() => expected.test(governor.log().slice(before)) || undefined);
    };
    await publish(Buffer.from('no archive'), /rego\/bundle\.tar\.gz: expected a gzip archive/);
    await publish((await opa.build({ policy: rules.replace('input.context.args.amount > 100\n', 'time.now_ns() > 100\n') })), /time\.now_ns/);
    expect(wasDone(await transferTo(client, 'as-before'))).toBe(true);
    await publish(await opa.build({ policy: rules, data: { blocked: ['as-before'] } }), /bundle active/);
    expect(refusedAs(await transferTo(client, 'as-before'))).toBe('deny');
    expect(reached(canary).filter((to) => to === 'as-before')).toHaveLength(1);
    rmSync(join(governor.directory, 'bundle/rego/bundle.tar.gz'));
  });

  test('story: Rego may decide alone, and Cedar\'s word counts again as soon as it has a policy', async () => {
    const { 'bundle/policies/open.cedar': _open, ...files } = moneyBundle();
    const governor = await governed({ files, archive: await opa.build({ policy: rules, data: { blocked: ['eve'] } }) });
    expect(governor.log()).toContain('Rego alone decides');
    const client = await openClient(governor);
    expect(JSON.stringify(resultOf(await client.post(rpc(1, 'tools/list'))))).toContain('transfer');
    expect(wasDone(await transferTo(client, 'alone'))).toBe(true);
    expect(refusedAs(await transferTo(client, 'eve'))).toBe('deny');
    expect(refusedAs(await client.call('echo', { message: 'x' }))).toBe('deny');
  });

  test('story: a running OPA, which wants a token, decides beside Cedar; what it says now counts', async () => {
    const authz = 'package system.authz\n\ndefault allow := false\n\nallow if input.path == ["health"]\n\nallow if input.identity == "hunter2"\n';
    const server = await opa.serve({ 'authz.rego': authz, 'policy.rego': rules, 'data.json': '{"blocked": ["mallory"]}' }, '--authentication=token', '--authorization=basic');
    const governor = await governed({ config: `opa: { url: "${server.url}", token_from_env: OPA_TOKEN }`, env: { OPA_TOKEN: 'hunter2' } });
    const client = await openClient(governor);
    try {
      expect(wasDone(await transferTo(client, 'served'))).toBe(true);
      expect(refusedAs(await transferTo(client, 'mallory'))).toBe('deny');
      expect(await explained(governor, 'refusal')).toMatch(/forbid opa\/blocked-receiver: satisfied \(a running OPA: recorded, not asked again\)\s+mallory is blocked/);
      const hold = decisionOf(resultOf(await transferTo(client, 'agreed', { amount: 2_000 }))).hold ?? 'none';
      await command(governor.directory, ['approve', hold, '--as', 'ann']);
      await server.stop();
      expect(refusedAs(await transferTo(client, 'agreed', { amount: 2_000 }))).toBe('deny');
      expect(refusedAs(await transferTo(client, 'served'))).toBe('deny');
      expect(await explained(governor, 'refusal')).toMatch(/opa\/decision` .* would have to be answerable: expected an answer/);
      expect(reached(canary)).not.toContain('agreed');
      expect(`${governor.log()}${(await command(governor.directory, ['actions', '--json'])).stdout}`).not.toContain('hunter2');
    } finally {
      await server.stop();
    }
  });

  test('attack: with a token that OPA does not take nothing is allowed, and without any the governor does not start', async () => {
    const authz = 'package system.authz\n\ndefault allow := false\n\nallow if input.path == ["health"]\n\nallow if input.identity == "hunter2"\n';
    const server = await opa.serve({ 'authz.rego': authz, 'policy.rego': rules }, '--authentication=token', '--authorization=basic');
    const config = `opa: { url: "${server.url}", token_from_env: OPA_TOKEN }`;
    try {
      const governor = await governed({ config, env: { OPA_TOKEN: 'wrong' } });
      expect(wasDone(await transferTo(await openClient(governor), 'wrong-token'))).toBe(false);
      await expect(governed({ config })).rejects.toThrow(/expected the environment variable `OPA_TOKEN`/);
      expect(reached(canary)).not.toContain('wrong-token');
    } finally {
      await server.stop();
    }
  });
});

describe('attack: a governor whose OPA turns bad', () => {
  const allow = JSON.stringify({ result: { outcome: 'allow', policies: [{ id: 'anything' }] } });
  const honest = (response: ServerResponse) => void response.writeHead(200, { 'content-type': 'application/json' }).end(allow);
  let answer = honest;
  let bad: LocalServer;
  let good: LocalServer;
  let governor: RunningGovernor;
  let client: WireClient;
  beforeAll(async () => {
    good = await localServer((_request, response) => honest(response));
    bad = await localServer((_request, response) => answer(response));
    governor = await governed({ config: `opa: { url: "${bad.url}", timeout_ms: 2000 }` });
    client = await openClient(governor);
  });
  afterAll(async () => {
    await Promise.all([bad.close(), good.close()]);
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['dead', (response) => response.destroy()],
    ['silent', () => undefined],
    ['slow', (response) => setTimeout(() => honest(response), 5_000)],
    ['slow, letter by letter', (response) => { response.writeHead(200); let at = 0; const more = setInterval(() => response.write(allow[at++ % allow.length]), 40); response.on('close', () => clearInterval(more)); }],
    ['an error with an allow in it', (response) => response.writeHead(500).end(allow)],
    ['leading elsewhere', (response) => response.writeHead(307, { location: `${good.url}/v1/data/flyball/decision` }).end()],
    ['without a result', (response) => response.writeHead(200).end('{}')],
    ['of another world', (response) => response.writeHead(200).end('{"result":{"allow":true}}')],
    ['saying both', (response) => response.writeHead(200).end('{"result":{"outcome":"deny","policies":[{"id":"a"}],"outcome":"allow"}}')],
    ['cut off', (response) => response.writeHead(200, { 'content-length': allow.length + 10 }).end(allow)],
    ['huge', (response) => response.writeHead(200).end(`${' '.repeat(8 << 20)}${allow}`)],
    ['endless', (response) => { response.writeHead(200); response.write(allow); const more = setInterval(() => response.write(' '.repeat(16_384)), 1); response.on('close', () => clearInterval(more)); }],
  ])('attack: %s', async (name, turned) => {
    expect(wasDone(await transferTo(client, `${name} before`))).toBe(true);
    answer = turned as typeof answer;
    const began = Date.now();
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => transferTo(client, `${name} ${i}`)));
    answer = honest;
    expect(answers.every(isRefusal)).toBe(true);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(wasDone(await transferTo(client, `${name} after`))).toBe(true);
    expect(reached(canary).filter((to) => to.startsWith(`${name} `))).toEqual([`${name} before`, `${name} after`]);
    expect(good.hits()).toBe(0);
    expect((await actions(governor)).filter(({ kind, action, outcome }) => kind === 'refusal' && action === 'money.move' && outcome === 'deny (guard_broken)').length).toBeGreaterThanOrEqual(8);
  });
});
