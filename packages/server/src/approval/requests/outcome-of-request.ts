import type { Entry } from '@flyball/protocol';
import type { SessionState } from '../../action/states.js';
import type { ApprovalRecord } from '../record.js';
import { accessMethod } from './wish.js';

export interface RecordedOutcome {
  readonly effect: 'succeeded' | 'failed';
  readonly finding: string;
  readonly at: { readonly stream: string; readonly expected: number };
}

/**
 * What a request for access came to whose outcome nobody wrote: its effect is an entry of the same session, so it is there or
 * it is not. Whoever writes the outcome has to take the next place in that session; a grant that comes first takes it away.
 */
export async function outcomeOfRequest({ id, body }: Entry, record: Pick<ApprovalRecord, 'read'>): Promise<RecordedOutcome | undefined> {
  const { method, session } = body as { readonly method?: string; readonly session?: string };
  if (method !== accessMethod || session === undefined) return undefined;
  const stream = `session:${session}`;
  const { version, state } = await record.read<SessionState>(stream);
  const open = state && Object.hasOwn(state.open, id) ? state.open[id] : undefined;
  if (!open) return undefined;
  const found = open.grant === undefined ? { effect: 'failed', finding: 'no grant was opened before the deadline' } as const : { effect: 'succeeded', finding: `the record has the grant ${open.grant}` } as const;
  return { ...found, at: { stream, expected: version } };
}
