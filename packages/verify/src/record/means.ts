import type { Findings } from '../finding.js';
import type { Entry } from '../leaf/entry.js';
import { isMembers, type Members, membersOf, textOf } from '../leaf/members.js';
import { placeOf, type Recorded } from './recorded.js';

/** Consent that was given beforehand, from its beginning on: an emergency until it is reviewed, a standing approval until it ends. */
interface Authority {
  readonly kind: 'standing' | 'emergency';
  readonly body: Members;
  readonly deadline: number;
  ended: boolean;
  confirmed: boolean;
  uses: number;
  spent: number;
}

/** How long an attempt may take from its decision to its intent, in milliseconds. */
const attemptMs = 60_000;
const ten4 = 10_000;

/** What stands in for people's answers: that it was given before, is not over, is for this, and is not used further than it goes. */
export class Means {
  readonly #authorities = new Map<string, Authority>();

  constructor(private readonly findings: Findings) {}

  add(recorded: Recorded): void {
    const { entry } = recorded;
    const { id, body } = entry;
    const begin = (kind: Authority['kind']) => void this.#authorities.set(id, { kind, body, deadline: entry.deadline ?? 0, ended: false, confirmed: false, uses: 0, spent: 0 });
    const told = this.#authorities.get(textOf(body, 'emergency') ?? '');
    switch (entry.kind) {
      case 'standing.granted':
        return begin('standing');
      case 'emergency.opened':
        return begin('emergency');
      case 'emergency.confirmed':
        this.#another(recorded, told, 'confirms');
        if (told) told.confirmed = true;
        return;
      case 'emergency.reviewed':
        this.#another(recorded, told, 'reviews');
        this.#authorities.delete(textOf(body, 'emergency') ?? '');
        return;
      default:
        return;
    }
  }

  end(id: string): void {
    const authority = this.#authorities.get(id);
    if (authority?.kind === 'standing') this.#authorities.delete(id);
    else if (authority) authority.ended = true;
  }

  /** The policies that the means of an intent open, and the emergencies; each use counts. */
  opened(recorded: Recorded): { readonly policies: ReadonlySet<string>; readonly emergencies: ReadonlySet<string> } {
    const policies = new Set<string>();
    const emergencies = new Set<string>();
    const given: unknown = recorded.entry.body['means'] ?? [];
    for (const use of Array.isArray(given) ? (given as readonly unknown[]) : [undefined]) {
      const authority = this.#use(recorded, isMembers(use) ? use : {});
      if (authority?.kind === 'standing') policies.add(textOf(authority.body, 'policy') ?? '');
      if (authority?.kind === 'emergency') emergencies.add(textOf(authority.body, 'name') ?? '');
    }
    return { policies, emergencies };
  }

  #use(recorded: Recorded, use: Members): Authority | undefined {
    const id = textOf(use, 'id') ?? '';
    const authority = this.#authorities.get(id);
    const place = placeOf(recorded);
    if (!authority || authority.ended || authority.kind !== textOf(use, 'kind')) {
      this.findings.add('approval_missing', `expected ${id}, which stands in for approvals, to be given before this intent and not to be over`, place);
      return undefined;
    }
    authority.uses++;
    authority.spent += numberOf(use, 'spent') ?? 0;
    const fault = faultOf(authority, recorded.entry);
    if (fault !== undefined) this.findings.add('approval_mismatch', `expected ${id}, which stands in for approvals, ${fault}`, place);
    return authority;
  }

  /** Who declared an emergency does not confirm it, and who did either does not review it. */
  #another(recorded: Recorded, authority: Authority | undefined, does: string): void {
    const person = textOf(recorded.entry.body, 'person');
    if (authority && person === textOf(authority.body, 'person')) this.findings.add('approver_repeated', `expected another person than who declared this emergency, got one who ${does} their own`, placeOf(recorded));
  }
}

function faultOf({ kind, body, deadline, confirmed, uses, spent }: Authority, { at, body: intent }: Entry): string | undefined {
  if (at > deadline + attemptMs) return 'to be used in its time';
  if (kind === 'emergency') return body['second'] === true && !confirmed ? 'to be confirmed by a second person' : undefined;
  if (['identity', 'action', 'on_behalf_of'].some((name) => textOf(body, name) !== textOf(intent, name))) return 'to be for this identity, person and action';
  if (uses > (numberOf(body, 'count') ?? 0)) return `to be used ${String(body['count'])} times at most`;
  const most = numberOf(membersOf(body, 'sum'), 'most');
  return most !== undefined && spent > most * ten4 ? `to draw ${most} at most` : undefined;
}

function numberOf(members: Members, name: string): number | undefined {
  const value = Object.hasOwn(members, name) ? members[name] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
