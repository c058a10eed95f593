import type { Decision, Identity, JsonObject, Principal } from '@flyball/protocol';
import type { Decided, SessionState, Situated } from '../../packages/server/src/action/states.js';
import type { Bundle } from '../../packages/server/src/policy/bundle.js';
import { compileBundle } from '../../packages/server/src/policy/load-bundle.js';
import type { RunningRego } from '../../packages/server/src/policy/rego/decide-by-rego.js';
import { TemporalPast } from '../../packages/server/src/policy/temporal.js';
import { Policy } from '../../packages/server/src/policy/policy.js';
import type { Clock } from '../../packages/server/src/lib/clock.js';
import { FakeClock, identity, nowSeconds, received } from './identity-kit.js';

export const nowMs = nowSeconds * 1000;

const payInput = {
  type: 'object',
  properties: {
    amount: { type: 'number' },
    count: { type: 'integer' },
    payee: { type: 'string' },
    urgent: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    fees: { type: 'array', items: { type: 'number' } },
    options: { type: 'object', properties: { mode: { type: 'string' }, most: { type: 'integer' } } },
    choice: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
  },
  required: ['amount'],
};
const runInput = { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] };
/** Like `pay`, but that no argument has to be there. */
const freeInput = { ...payInput, required: [] };

export const tools: JsonObject = {
  tools: [
    { name: 'pay', inputSchema: payInput },
    { name: 'refund', inputSchema: freeInput },
    { name: 'run', inputSchema: runInput },
    { name: 'copy', inputSchema: { type: 'object', properties: { source: { type: 'string' }, destination: { type: 'string' } }, required: ['source', 'destination'] } },
  ],
} as unknown as JsonObject;

const catalogue = `actions:
  - name: payment.release
    tier: act
    groups: [payments]
    spends: { eur: amount }
    match: { upstream: bank, name: pay }
  - { name: payment.refund, tier: act, groups: [payments], match: { upstream: bank, name: refund } }
  - { name: shell.run, tier: act, match: { upstream: bank, name: run } }
  - name: object.copy
    tier: act
    match: { upstream: bank, name: copy }
    mapping:
      evaluations:
        context: { agent: $token.?client_id }
        evaluations:
          - { action: { name: read }, resource: { type: object, id: $params.arguments.source } }
          - { action: { name: write }, resource: { type: object, id: $params.arguments.destination } }
facts:
  change_window: { open: boolean, level: integer }
  vendor: { checked: boolean }
`;

/** Files of a bundle around policies; any of them can be replaced, or taken away with `undefined`. */
export function bundleFiles(policies: string, over: Readonly<Record<string, string | undefined>> = {}): Readonly<Record<string, string>> {
  const files: Record<string, string | undefined> = {
    'catalogue.yaml': catalogue,
    'identities.yaml': 'identities:\n  - { id: robot, kind: agent, autonomy: autonomous, owner: ann, purpose: testing, groups: [robots] }\n',
    'people.yaml': 'people:\n  - { id: ann, groups: [finance], administrator: true }\n  - { id: ben, groups: [finance, security] }\n',
    'tools/bank.json': JSON.stringify(tools),
    'policies/main.cedar': policies,
    ...over,
  };
  return Object.fromEntries(Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

export const compile = (policies: string, over: Readonly<Record<string, string | undefined>> = {}): Bundle => compileBundle(bundleFiles(policies, over));

/** The faults of a bundle that is refused, one line each; `none` when it is accepted. */
export function faultsOf(policies: string, over: Readonly<Record<string, string | undefined>> = {}): readonly string[] {
  try {
    compile(policies, over).engine.close();
    return ['none'];
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === 'bundle_invalid' ? message.split('\n').slice(1) : [`${code ?? 'no code'}: ${message}`];
  }
}

export const sessionState = (over: Partial<SessionState> = {}): SessionState => ({
  id: 'session',
  identity: 'robot',
  salt: 'salt',
  purpose: 'testing',
  capabilities: ['*'],
  openedAtMs: nowMs - 60_000,
  deadlineMs: nowMs + 3_600_000,
  ended: false,
  labels: [],
  counts: {},
  refusals: 0,
  spent: {},
  open: {},
  holds: {},
  ...over,
});

export interface Attempt {
  readonly tool?: string;
  readonly args?: JsonObject;
  readonly session?: Partial<SessionState>;
  readonly identity?: Partial<Identity>;
  readonly principal?: Partial<Principal>;
  readonly call?: Partial<Situated['call']>;
  readonly claims?: JsonObject;
}

const toolList = (tools as unknown as { tools: readonly JsonObject[] }).tools;

export function situated({ tool = 'pay', args = { amount: 5 }, session = {}, identity: who = {}, principal = {}, call = {}, claims = { sub: 'svc' } }: Attempt = {}): Situated {
  const definition = toolList.find((known) => known['name'] === tool);
  return {
    ...received(undefined),
    principal: { tenant: 'main', identity: identity({ groups: ['robots'], ...who }), chain: [], method: 'oidc', expiresAtMs: nowMs + 300_000, ...principal },
    claims,
    session: { stream: 'session:session', version: 1, state: sessionState(session) },
    call: {
      upstream: 'bank',
      method: 'tools/call',
      name: tool,
      params: { name: tool, arguments: args },
      args,
      ...(definition && { tool: { name: tool, digest: 'sha256:tool', accepted: true, definition } }),
      ...call,
    },
  };
}

export const policyOf = (bundle: Bundle, clock: Clock = new FakeClock(), opa?: RunningRego): Policy => new Policy(() => bundle, clock, { audience: 'https://flyball.example/mcp', past: new TemporalPast(() => Promise.resolve({ events: [] })), ...(opa && { opa }) });

export const decided = async (bundle: Bundle, attempt: Attempt = {}): Promise<Decided> => policyOf(bundle).decide(situated(attempt));

/** What policies decide on an attempt. */
export async function decisionOn(policies: string, attempt: Attempt = {}, over: Readonly<Record<string, string | undefined>> = {}): Promise<Decision> {
  const bundle = compile(policies, over);
  try {
    return (await decided(bundle, attempt)).decision;
  } finally {
    bundle.engine.close();
  }
}
