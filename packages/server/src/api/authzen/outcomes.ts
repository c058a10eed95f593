import { type Entry, FlyballError, isObject, type JsonObject, type Principal } from '@flyball/protocol';
import { isTimeId, randomSalt } from '../../lib/ids.js';
import { malformed } from './read-request.js';

/** What reports of outcomes need of the record. */
export interface OutcomeRecord {
  find(id: string): Promise<Entry | undefined>;
  /** Throws `already_settled` for an entry that has its outcome. */
  append(draft: { readonly kind: 'outcome'; readonly streams: readonly { readonly stream: string }[]; readonly settles: string; readonly body: JsonObject; readonly payload?: { readonly salt: string; readonly content: string } }): Promise<Entry | undefined>;
}

const effects = ['succeeded', 'failed', 'unknown'] as const;
const wordsMost = 2_000;

interface Intended {
  readonly identity?: string;
  readonly method?: string;
  readonly session?: string;
  readonly action?: string;
}

/**
 * What came of an action that an enforcement point was told it may carry out: said by the one who asked, once, before
 * its time is over. Who says nothing leaves it unknown.
 */
export async function reportOutcome(from: JsonObject, { identity }: Principal, record: OutcomeRecord): Promise<JsonObject> {
  const { evaluation_id: id, outcome, detail } = from;
  const effect = effects.find((known) => known === outcome);
  if (typeof id !== 'string') throw malformed('`evaluation_id` as a string');
  if (!effect) throw malformed('`outcome` to be succeeded, failed or unknown');
  if (detail !== undefined && (typeof detail !== 'string' || detail.length > wordsMost)) throw malformed(`\`detail\` as a string of at most ${wordsMost} characters`);
  const entry = isTimeId(id) ? await record.find(id) : undefined;
  const intended: Intended = entry?.kind === 'intent' && isObject(entry.body) ? (entry.body as Intended) : {};
  // The same answer for what never was, what owes no outcome and what somebody else asked.
  if (!entry || intended.identity !== identity.id || intended.method !== 'evaluation') throw new FlyballError('not_found', 'no evaluation of yours with this id owes an outcome');
  await record.append({
    kind: 'outcome',
    streams: entry.streams.map(({ stream }) => ({ stream })),
    settles: id,
    body: { session: intended.session, action: intended.action, effect, reported: true, findings: [] },
    ...(detail !== undefined && { payload: { salt: randomSalt(), content: JSON.stringify({ error: { code: 'reported', message: detail } }) } }),
  });
  return { evaluation_id: id, outcome: effect };
}
