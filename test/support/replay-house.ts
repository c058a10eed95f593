import type { Decision, JsonObject } from '@flyball/protocol';
import { FlyballError } from '@flyball/protocol';
import { Grant } from '../../packages/server/src/action/seal.js';
import type { Decided, Situated } from '../../packages/server/src/action/states.js';
import { recordSource } from '../../packages/server/src/cli/replay-source.js';
import { AttemptRecorder, type Draft, Ledger, Past, Projections, Spool } from '../../packages/server/src/ledger/index.js';
import { timeId } from '../../packages/server/src/lib/ids.js';
import type { Bundle } from '../../packages/server/src/policy/bundle.js';
import { compileBundle } from '../../packages/server/src/policy/load-bundle.js';
import { Policy } from '../../packages/server/src/policy/policy.js';
import type { RecordSource } from '../../packages/server/src/policy/replay/record.js';
import { TemporalPast } from '../../packages/server/src/policy/temporal.js';
import { newEventReader } from '../../packages/server/src/policy/temporal-events.js';
import { Sessions } from '../../packages/server/src/session/index.js';
import { folds } from '../../packages/server/src/wiring/folds.js';
import { FakeClock, received } from './identity-kit.js';
import { MemoryStore, MemoryTables } from './memory-store.js';
import { bundleFiles, tools } from './policy-kit.js';

const identities = ['robot', 'second'].map((id) => `  - { id: ${id}, kind: agent, autonomy: autonomous, owner: ann, purpose: testing, groups: [robots] }\n`).join('');
const catalogue = `actions:
  - { name: payment.release, tier: act, spends: { eur: amount }, match: { upstream: bank, name: pay } }
  - { name: payment.refund, tier: act, reads: [pii], match: { upstream: bank, name: refund } }
  - { name: shell.run, tier: act, reads: [untrusted], match: { upstream: bank, name: run } }
`;
const toolList = (tools as unknown as { readonly tools: readonly JsonObject[] }).tools;
const compiled = new Map<string, Bundle>();

/** A bundle of these policies around one catalogue; each is compiled once. */
export function bundleOf(policies: readonly string[]): Bundle {
  const text = ['@id("open") permit (principal, action, resource);', ...policies].join('\n');
  const known = compiled.get(text) ?? compileBundle(bundleFiles(text, { 'catalogue.yaml': catalogue, 'identities.yaml': `identities:\n${identities}` }));
  compiled.set(text, known);
  return known;
}

/** One call of one identity in one of its sessions. */
export interface Call {
  readonly afterMs: number;
  readonly who: 'robot' | 'second';
  readonly session: number;
  readonly tool: 'pay' | 'refund' | 'run';
  readonly amount: number;
  readonly payee: string;
  readonly effect: 'succeeded' | 'failed' | 'unknown';
}

export interface Told {
  readonly source: RecordSource;
  /** Each recorded decision, and what the candidate would have decided had it been asked at that moment. */
  readonly decisions: readonly { readonly id: string; readonly then: Decision; readonly candidate: Decision }[];
}

/** Carries out calls as a governor does, in memory; a candidate is asked each time, beside. */
export async function tell(calls: readonly Call[], bundle: Bundle, candidate: Bundle): Promise<Told> {
  const clock = new FakeClock();
  const store = new MemoryStore(new MemoryTables(), () => Promise.resolve());
  const past = new Past(store, newEventReader);
  const ledger = new Ledger('main', store, new Projections(store, folds), clock, past);
  const names = { refOf: (person: string) => Promise.resolve(`ref:${person}`) };
  const record = { append: (draft: Draft) => ledger.append(draft), read: <S>(stream: string) => ledger.projections.get<S>(stream), ...names };
  const sessions = new Sessions(record, clock);
  const recorder = new AttemptRecorder(ledger, { promise: () => '', verifyCanPromise: () => undefined }, names, new Spool('/nowhere'), clock, (_message, error) => {
    throw error;
  });
  await ledger.append({ kind: 'bundle.activated', streams: [{ stream: `bundle:${bundle.digest}` }], body: { bundle: bundle.digest }, payload: { salt: 's', content: JSON.stringify(bundle.files) } });
  const policyOf = (from: Bundle) => new Policy(() => from, clock, { audience: 'https://flyball.example/mcp', past: new TemporalPast((stream, version) => past.upTo(stream, version)) });
  const [policy, other] = [policyOf(bundle), policyOf(candidate)];
  const opened = new Map<string, string>();
  const decisions: { readonly id: string; readonly then: Decision; readonly candidate: Decision }[] = [];
  for (const call of calls) {
    clock.ms += call.afterMs;
    const situated = await situate(call, { bundle, sessions, opened, id: timeId(clock.now()), nowMs: clock.now() });
    const decided = await policy.decide(situated);
    const asked = await other.decide(situated);
    await carryOut(decided, call, recorder);
    decisions.push({ id: situated.id, then: decided.decision, candidate: asked.decision });
  }
  await store.flush();
  return { source: recordSource(store, { unsequenced: () => Promise.resolve([]) }), decisions };
}

interface At {
  readonly bundle: Bundle;
  readonly sessions: Sessions;
  readonly opened: Map<string, string>;
  readonly id: string;
  readonly nowMs: number;
}

async function situate({ who, session, tool, amount, payee }: Call, { bundle, sessions, opened, id, nowMs }: At): Promise<Situated> {
  const identity = bundle.identities.find((each) => each.id === who);
  if (!identity) throw new Error(`${who} is not registered`);
  const principal = { tenant: 'main', identity, chain: [], method: 'oidc' as const, expiresAtMs: nowMs + 1_000 };
  const key = `${who} ${session}`;
  // The first session is the identity's own, the others are opened for a task.
  if (session > 0 && !opened.has(key)) opened.set(key, (await sessions.open(principal, { purpose: key })).id);
  const handle = opened.get(key);
  const args = tool === 'run' ? { command: payee } : { amount, payee };
  const definition = toolList.find((known) => known['name'] === tool);
  const call = { upstream: 'bank', method: 'tools/call', name: tool, params: { name: tool, arguments: args }, args, ...(definition && { tool: { name: tool, digest: 'sha256:tool', accepted: true, definition } }) };
  return sessions.situate({ ...received(undefined), id, deadlineMs: nowMs + 60_000, call, principal, claims: { sub: who }, ...(handle !== undefined && { sessionHandle: handle }) });
}

async function carryOut(decided: Decided, { effect }: Call, recorder: AttemptRecorder): Promise<void> {
  const { outcome, modification } = decided.decision;
  if (outcome === 'deny') return void (await recorder.refusal(decided, new FlyballError('denied', 'not allowed')));
  if (outcome === 'step_up' || outcome === 'defer') return void (await recorder.hold(decided));
  const intended = await recorder.intent({ ...decided, grant: new Grant(decided.digest, [], undefined, modification), effectiveArgs: decided.call.args });
  if (!intended) throw new Error('the session moved on');
  await recorder.outcome(intended, effect, {});
}
