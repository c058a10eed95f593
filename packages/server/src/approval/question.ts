import { type Decision, type Entry, isObject, type JsonObject } from '@flyball/protocol';
import type { HoldState, SessionState } from '../action/states.js';
import type { ApprovalRecord } from './record.js';

/** What the entry of a hold says. */
export interface HoldBody {
  readonly session: string;
  readonly digest: string;
  readonly question: string;
  readonly identity: string;
  readonly on_behalf_of?: string;
  readonly chain: readonly string[];
  readonly action: string;
  readonly tier: string;
  readonly after?: readonly string[];
  readonly upstream: string;
  readonly method: string;
  readonly tool?: string;
  readonly decision: Pick<Decision, 'outcome' | 'approvals' | 'facts'> & { readonly modification?: Decision['modification'] };
}

/** A question as it was asked, with what is known of it now. */
export interface Question {
  readonly entry: Entry;
  readonly body: HoldBody;
  readonly stream: string;
  readonly version: number;
  /** Nothing when the session knows no such hold any more. */
  readonly hold: HoldState | undefined;
  /** What became of a hold that its session does not know any more, because the same was asked again since. */
  readonly ended?: Exclude<HoldState['status'], 'pending'>;
  /** What it is aimed at and its arguments; nothing when they were erased. */
  readonly asked: { readonly target: string; readonly args: JsonObject; readonly resources: readonly JsonObject[]; readonly about?: JsonObject } | undefined;
}

export async function readQuestion(id: string, record: Pick<ApprovalRecord, 'find' | 'findSettling' | 'read' | 'content'>): Promise<Question | undefined> {
  const entry = await record.find(id);
  if (entry?.kind !== 'hold') return undefined;
  const body = entry.body as HoldBody;
  const stream = `session:${body.session}`;
  const [{ version, state }, content] = await Promise.all([record.read<SessionState>(stream), record.content(id)]);
  const hold = state && Object.hasOwn(state.holds, body.digest) ? state.holds[body.digest] : undefined;
  const question = { entry, body, stream, version, asked: askedOf(content) };
  return hold?.id === id ? { ...question, hold } : { ...question, hold: undefined, ended: endOf(await record.findSettling(id)) };
}

function endOf(settling: Entry | undefined): Exclude<HoldState['status'], 'pending'> {
  switch (settling?.kind) {
    case 'intent':
      return 'used';
    case 'hold':
      return 'superseded';
    case 'hold.settled':
      return (settling.body as { readonly status: 'refused' | 'expired' | 'cancelled' }).status;
    default:
      return 'expired';
  }
}

function askedOf(content: string | undefined): Question['asked'] {
  const kept: unknown = content === undefined ? undefined : JSON.parse(content);
  if (!isObject(kept) || !isObject(kept['args'])) return undefined;
  const { target, args, resources } = kept;
  const about = aboutOf(kept['inputs']);
  return { target: typeof target === 'string' ? target : '', args, resources: Array.isArray(resources) ? (resources as readonly JsonObject[]) : [], ...(about && { about }) };
}

/** What an enforcement point's question is about beside arguments: its subject has a type, where a caller of ours is an identity. */
function aboutOf(inputs: unknown): JsonObject | undefined {
  if (!isObject(inputs) || !isObject(inputs['principal']) || typeof inputs['principal']['type'] !== 'string') return undefined;
  const context = isObject(inputs['context']) ? inputs['context']['request'] : undefined;
  return { subject: inputs['principal'], ...(Array.isArray(inputs['entities']) && { resources: inputs['entities'] }), ...(isObject(context) && { context }) };
}
