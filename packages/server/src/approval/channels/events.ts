import type { ApprovalRule, Entry } from '@flyball/protocol';

export const channelEvents = ['asked', 'answered', 'expired', 'escalated', 'emergency', 'standing', 'grant'] as const;
export type ChannelEvent = (typeof channelEvents)[number];

/** Something that people may have to be told of. */
export interface Happening {
  readonly event: ChannelEvent;
  /** Entry that says so. */
  readonly entry: string;
  readonly atMs: number;
  /** The question that it is about. */
  readonly hold?: string;
  /** Whose questions these are; empty where it is nobody's. */
  readonly identity: string;
  /** Groups that are asked; none where it is for everybody. */
  readonly groups: readonly string[];
  /** On an escalation: which step it is. */
  readonly step?: string;
}

type Find = (id: string) => Promise<Entry | undefined>;

/** What an entry of the log is about, in the words of channels. */
export async function happeningsOf(entry: Entry, find: Find): Promise<readonly Happening[]> {
  const body = entry.body as { readonly hold?: string; readonly status?: string; readonly identity?: string };
  const plain = (event: ChannelEvent): readonly Happening[] => [{ event, entry: entry.id, atMs: entry.at, identity: body.identity ?? '', groups: [] }];
  switch (entry.kind) {
    case 'hold':
      // A question that is asked anew ends the one before it.
      return [...(entry.settles === undefined ? [] : await aboutHold('answered', entry, entry.settles, find)), ...asked(entry)];
    case 'approval':
      return aboutHold('answered', entry, body.hold, find);
    case 'hold.settled':
      return aboutHold(body.status === 'expired' ? 'expired' : 'answered', entry, entry.settles, find);
    case 'emergency.opened':
    case 'emergency.confirmed':
    case 'emergency.ended':
    case 'emergency.reviewed':
      return plain('emergency');
    case 'standing.granted':
    case 'standing.ended':
      return plain('standing');
    case 'grant.opened':
    case 'grant.ended':
      return plain('grant');
    default:
      return [];
  }
}

/** What waits for facts alone is nobody's to answer, so nobody is told. */
function asked(entry: Entry): readonly Happening[] {
  const { identity, groups } = askedOf(entry);
  return groups.length === 0 ? [] : [{ event: 'asked', entry: entry.id, atMs: entry.at, hold: entry.id, identity, groups }];
}

async function aboutHold(event: ChannelEvent, entry: Entry, id: string | undefined, find: Find): Promise<readonly Happening[]> {
  const hold = id === undefined ? undefined : await find(id);
  if (hold?.kind !== 'hold') return [];
  const { identity, groups, approvals } = askedOf(hold);
  // Who was asked because nobody had answered is told that somebody has.
  const later = approvals.flatMap(({ escalation = [] }) => escalation.filter(({ afterMs }) => hold.at + afterMs <= entry.at).map(({ group }) => group));
  return groups.length === 0 ? [] : [{ event, entry: entry.id, atMs: entry.at, hold: hold.id, identity, groups: [...new Set([...groups, ...later])] }];
}

export function askedOf({ body }: Entry): { readonly identity: string; readonly groups: readonly string[]; readonly approvals: readonly ApprovalRule[] } {
  const { identity = '', decision } = body as { readonly identity?: string; readonly decision?: { readonly approvals?: readonly ApprovalRule[] } };
  const approvals = decision?.approvals ?? [];
  return { identity, approvals, groups: [...new Set(approvals.map(({ approvers }) => approvers))] };
}
