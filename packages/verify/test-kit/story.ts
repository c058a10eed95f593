import { logKey, type TestKey, testOrigin } from './keys.js';
import { type TestEntry, TestWriter } from './writer.js';

export const person = (name: string): string => `person:${Buffer.from(name).toString('hex').padStart(64, '0').slice(-64)}`;
export const digestOf = (name: string): string => `sha256:${Buffer.from(name).toString('hex').padStart(64, '0').slice(-64)}`;
export const bundle = digestOf('bundle');

const minute = 60_000;
const decided = (session: string, name: string, outcome: string, quorum = 0) => ({
  session,
  identity: 'agent',
  on_behalf_of: person('ann'),
  chain: [],
  method: 'tools/call',
  action: 'money.move',
  tier: 'act',
  upstream: 'bank',
  name: 'transfer',
  digest: digestOf(name),
  decision: { outcome, kind: 'permitted', policies: [{ policy: 'money', effect: 'permit', result: 'satisfied' }], approvals: quorum > 0 ? [{ policy: 'money', approvers: 'finance', quorum, evidence: [], withinMs: 4 * minute, reason: 'large' }] : [], facts: [], bundle },
  gateway: 'mcp',
});

/** What a test wants to get hold of again. */
export interface SessionEntries {
  readonly opened: TestEntry;
  readonly hold: TestEntry;
  readonly approvals: readonly TestEntry[];
  readonly intent: TestEntry;
  readonly outcome: TestEntry;
  readonly ended: TestEntry;
}

export function begin(writer: TestWriter, key: TestKey = logKey('first')): void {
  writer.add({ kind: 'log.key', streams: ['log:keys'], body: { key: key.vkey, status: 'active' } });
  writer.add({ kind: 'bundle.activated', streams: [`bundle:${bundle}`], body: { bundle, files: ['policies/money.cedar'] }, content: '{}' });
}

/** One session: a read, a refusal, and a transfer that two people agreed to. */
export function session(writer: TestWriter, name: string, say = name): SessionEntries {
  const streams = [`session:${name}`];
  const opened = writer.add({ kind: 'session.opened', streams: [...streams, 'identity:["agent",null]'], deadlineMs: 8 * minute, body: { session: name, identity: 'agent', capabilities: [], implicit: false, inherited: [] }, content: '{"purpose":"pay"}' });
  const read = writer.add({ kind: 'intent', streams, deadlineMs: minute, body: { ...decided(name, `${say} read`, 'allow'), labels: [], spends: {}, approvals: [] }, content: `{"args":"${say}"}` });
  writer.add({ kind: 'outcome', streams, settles: read.id, body: { session: name, action: 'money.move', effect: 'succeeded', findings: [] } });
  writer.add({ kind: 'refusal', streams, body: { ...decided(name, `${say} refused`, 'deny'), error: { code: 'denied' } }, content: '{}' });
  const hold = writer.add({ kind: 'hold', streams, deadlineMs: 4 * minute, body: decided(name, say, 'step_up', 2), content: '{"args":1}' });
  const answer = (who: string) => writer.add({ kind: 'approval', streams, body: { session: name, digest: digestOf(say), person: person(who), hold: hold.id }, content: '{"reason":"yes"}' });
  const approvals = [answer('bob'), answer('carol')];
  const intent = writer.add({ kind: 'intent', streams, settles: hold.id, deadlineMs: minute, body: { ...decided(name, say, 'step_up', 2), labels: [], spends: {}, approvals: approvals.map(({ id }) => id) }, content: '{"args":2}' });
  const outcome = writer.add({ kind: 'outcome', streams, settles: intent.id, body: { session: name, action: 'money.move', effect: 'succeeded', findings: [] } });
  const ended = writer.add({ kind: 'session.ended', streams: [...streams, 'identity:["agent",null]'], settles: opened.id, body: { session: name, reason: 'ended' } });
  return { opened, hold, approvals, intent, outcome, ended };
}

/** A whole valid record: of 12 entries with one session, and 10 more with each further one. */
export function story(sessions = 1, salt = 0): { readonly writer: TestWriter; readonly sessions: readonly SessionEntries[] } {
  const writer = new TestWriter('default', salt);
  begin(writer);
  return { writer, sessions: Array.from({ length: sessions }, (_, at) => session(writer, `s${at}`)) };
}

export { testOrigin };
