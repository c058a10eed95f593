import type { Entry } from '@flyball/protocol';

/** Something that an identity may do beyond what it always may, for a time and a purpose. */
export interface OpenGrant {
  readonly id: string;
  readonly name: string;
  readonly identity: string;
  /** Reference of the person for whom alone it counts; without it, it counts whomever the identity acts for. */
  readonly onBehalfOf?: string;
  /** Reference of the person who asked for it, where it was not the identity itself. */
  readonly askedBy?: string;
  readonly intent: string;
  /** In which it was asked for. */
  readonly session: string;
  readonly openedAtMs: number;
  readonly untilMs: number;
}

export interface GrantBody {
  readonly grant: string;
  readonly identity: string;
  readonly on_behalf_of?: string;
  readonly asked_by?: string;
  readonly intent: string;
  readonly session: string;
}

/** Grants of one identity that were not ended, by their entries. Two of one name are two: each ends by itself. */
export type GrantsState = Readonly<Record<string, OpenGrant>>;

export const grantStream = (identity: string): string => `grant:${identity}`;

export function foldGrants(state: GrantsState | undefined, entry: Entry): GrantsState {
  const known = state ?? {};
  switch (entry.kind) {
    case 'grant.opened':
      return { ...known, [entry.id]: toGrant(entry as Entry<GrantBody>) };
    case 'grant.ended': {
      const { [entry.settles ?? '']: _ended, ...left } = known;
      return left;
    }
    default:
      return known;
  }
}

export function toGrant({ id, at, deadline, body }: Entry<GrantBody>): OpenGrant {
  const { grant, identity, on_behalf_of: onBehalfOf, asked_by: askedBy, intent, session } = body;
  return { id, name: grant, identity, ...(onBehalfOf !== undefined && { onBehalfOf }), ...(askedBy !== undefined && { askedBy }), intent, session, openedAtMs: at, untilMs: deadline ?? at };
}

/** Those that are not over at a moment: a grant is over at its end, not after it. */
export const activeAt = (state: GrantsState | undefined, nowMs: number): readonly OpenGrant[] => Object.values(state ?? {}).filter(({ untilMs }) => untilMs > nowMs);
