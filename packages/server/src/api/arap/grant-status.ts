import type { Entry } from '@flyball/protocol';
import type { SessionState } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import type { ItemStatus } from './draft.js';
import type { ArapRecord } from './record.js';
import type { TaskItem } from './task-state.js';

/** What became of something that was asked for, as the record has it. */
export type Became =
  | { readonly status: 'pending'; /** The question that waits; none while it is being carried out. */ readonly hold?: string }
  | { readonly status: 'approved'; readonly untilMs: number; readonly grant?: string }
  | { readonly status: Exclude<ItemStatus, 'pending' | 'approved'> };

type GrantRecord = Pick<ArapRecord, 'find' | 'findSettling' | 'after' | 'read'>;

/** What policy and people say; every other refusal is the house's own trouble. */
const refusals: ReadonlySet<string> = new Set(['denied', 'approval_refused']);
const stepsMost = 32;
const pageSize = 200;
const pagesMost = 50;

/**
 * Follows a request for a grant from its attempt to its end: through questions that replaced one another, and the intent
 * that used the last of them, to the grant. Only entries count, no clock: what may still be opened is pending.
 */
export async function whatBecameOf({ hold, asks, openedAtMs }: TaskItem, record: GrantRecord, nowMs: number): Promise<Became> {
  let id = hold;
  let begunAtMs = openedAtMs;
  for (let step = 0; step < stepsMost; step++) {
    const entry = await record.find(id);
    switch (entry?.kind) {
      case 'refusal':
        return { status: refusals.has((entry.body as { readonly error?: { readonly code?: string } }).error?.code ?? '') ? 'denied' : 'failed' };
      case 'intent':
        return ofIntent(entry, record);
      case 'hold': {
        const settling = await record.findSettling(id);
        if (!settling) return { status: 'pending', hold: id };
        const next = settling.kind === 'hold.settled' ? endOf(settling) : settling.id;
        if (typeof next !== 'string') return next;
        id = next;
        begunAtMs = settling.at;
        break;
      }
      default: {
        // Where exactly this waited already, nothing was asked anew: the session knows as what.
        const known = step === 0 && asks ? await questionOf(asks, record) : undefined;
        if (known === undefined || known === id) return begunAtMs + limits.accessRequestMs + limits.taskGraceMs > nowMs ? { status: 'pending' } : { status: 'failed' };
        id = known;
      }
    }
  }
  return { status: 'pending' };
}

/** How a question ended without being used, or the attempt that asks the same anew. What policy alone has ended, it denied. */
function endOf({ body }: Entry): Became | string {
  const { status, by } = body as { readonly status: 'refused' | 'expired' | 'cancelled' | 'superseded'; readonly by?: string };
  if (status === 'expired' || status === 'cancelled') return { status };
  return by ?? { status: 'denied' };
}

async function questionOf({ session, digest }: NonNullable<TaskItem['asks']>, record: GrantRecord): Promise<string | undefined> {
  const { state } = await record.read<SessionState>(`session:${session}`);
  return state && Object.hasOwn(state.holds, digest) ? state.holds[digest]?.id : undefined;
}

/** A grant takes its place in the session after the intent that opens it, and before the outcome of that. */
async function ofIntent({ id, streams, body }: Entry, record: GrantRecord): Promise<Became> {
  const stream = `session:${(body as { readonly session: string }).session}`;
  let version = streams.find((place) => place.stream === stream)?.version ?? 0;
  for (let page = 0; page < pagesMost; page++) {
    const entries = await record.after(stream, version, pageSize);
    for (const entry of entries) {
      if (entry.kind === 'grant.opened' && (entry.body as { readonly intent?: string }).intent === id) return { status: 'approved', grant: entry.id, untilMs: entry.deadline ?? entry.at };
      if (entry.settles === id) return { status: 'failed' };
    }
    if (entries.length < pageSize) break;
    version += entries.length;
  }
  return { status: 'pending' };
}
