import type { JsonObject } from '@flyball/protocol';
import { type Known, timeOf } from './denial.js';
import type { ItemStatus } from './draft.js';
import type { Signed } from './signed.js';
import type { TaskItem, TaskState } from './task-state.js';
import { expiresAtMs, type Kept, statusOf } from './tasks.js';

const words: Readonly<Record<string, string>> = {
  pending: 'People have been asked. Nothing may be done before they have answered.',
  approved: 'People agreed. Evaluate again with the approval: policy is asked once more, and the approval is good for one use.',
  denied: 'A person refused this. Do not look for another way to do it.',
  expired: 'Nobody answered in time.',
  cancelled: 'The request was taken back, or replaced by another one.',
  failed: 'The request could not be completed.',
  partial: 'Look at each item: they ended differently.',
};

const wordsOfGrants: typeof words = {
  ...words,
  pending: 'The grant is not open yet. Nothing may be done before it is.',
  approved: 'The grant is open. Evaluate again with the approval: policy decides, with the grant, as long as it lasts.',
  denied: 'This was refused. Do not look for another way to do it.',
  expired: 'Nobody answered in time.',
};

/** A task as its caller sees it (section Access Request Response): no approver, no policy, no reason of anybody. */
export async function viewOf(state: TaskState, kept: ReadonlyMap<number, Kept>, known: Known, signed: Signed): Promise<JsonObject> {
  const status = statusOf(state);
  const endpoint = `${known.endpoint}/${state.task}`;
  const task: JsonObject = {
    id: state.task,
    status,
    status_endpoint: endpoint,
    expires_at: timeOf(expiresAtMs(state)),
    links: { cancel: `${endpoint}/cancel` },
    display: { title: 'Access request', description: (state.items.every(({ asks }) => asks) ? wordsOfGrants : words)[status] ?? '' },
    ...(state.bundle && { items: await Promise.all(Array.from({ length: state.count }, (_, index) => itemOf(state, index, kept.get(index), known, signed))) }),
  };
  const [only] = state.items;
  const result = !state.bundle && only ? await resultOf(state, only, known, signed) : undefined;
  return { task, ...(result && { result }) };
}

async function itemOf(state: TaskState, index: number, kept: Kept | undefined, known: Known, signed: Signed): Promise<JsonObject> {
  const item = state.items.find((each) => each.item === index);
  const status: ItemStatus = item ? (item.ended?.status ?? 'pending') : 'failed';
  const result = item && (await resultOf(state, item, known, signed));
  return { resource: kept?.resource ?? null, action: kept?.action ?? null, status, ...(result && { result }) };
}

/** What an approved item is completed with: asking again (section Completion Semantics). Its id is its ending's own. */
async function resultOf({ task, identity }: TaskState, { ended }: TaskItem, known: Known, signed: Signed): Promise<JsonObject | undefined> {
  if (ended?.status !== 'approved') return undefined;
  const { entry, atMs, untilMs } = ended;
  const state = await signed.sign('flyball-approval+jwt', { iss: known.base, aud: known.base, iat: Math.floor(atMs / 1_000), exp: Math.floor(untilMs / 1_000), approval_id: entry, task, client_id: identity });
  return { mode: 'reevaluate', approval: { id: entry, approved_at: timeOf(atMs), approved_until: timeOf(untilMs), state } };
}
