import type { Effect, Json, JsonObject } from '@flyball/protocol';

/** Who asks about a hold: only who asked for the action may know of it. */
export interface HoldOwner {
  readonly identity: string;
  /** Name of the person whom the identity acts for. */
  readonly onBehalfOf?: string | undefined;
  /** The session that the caller is in; absent where callers are in none. */
  readonly session?: string;
}

export interface HoldStatus {
  readonly id: string;
  readonly state: 'pending' | 'approved' | 'refused' | 'expired' | 'cancelled' | 'superseded' | 'used';
  readonly deadlineMs: number;
  /** Each answer, and what it makes smaller. */
  readonly agreed: readonly { readonly narrow?: { readonly caps?: Readonly<Record<string, number>> } | undefined }[];
  readonly missing: readonly { readonly needed: number }[];
  /** The facts that it waited for are there: it is time to ask again. */
  readonly arrived: boolean;
}

export const isWaiting = ({ state, arrived }: HoldStatus): boolean => state === 'pending' && !arrived;

/** What a hold asks for, as the record has it, so that any node can carry it out. */
export interface HeldCall {
  readonly upstream: string;
  readonly method: string;
  readonly name: string;
  /** Absent when they were erased or were too large to be kept. */
  readonly args?: JsonObject;
}

/** The action that a hold was used for; without an effect it is under way. */
export interface HoldUse {
  readonly evaluation: string;
  readonly effect?: Effect;
}

/**
 * What machines may know of holds and do with them. For a hold that never was and for somebody else's the answer is
 * the same: nothing, or `not_found` where something was to be done (abuse 57).
 */
export interface HoldDesk {
  status(id: string, owner: HoldOwner): Promise<HoldStatus | undefined>;
  /** Resolves when something happened to the hold, when the time is up, or when the signal aborts. */
  wait(id: string, owner: HoldOwner, ms: number, signal: AbortSignal): Promise<HoldStatus | undefined>;
  cancel(id: string, owner: HoldOwner): Promise<HoldStatus>;
  attach(id: string, owner: HoldOwner, kind: string, value: Json): Promise<HoldStatus>;
  call(id: string, owner: HoldOwner): Promise<HeldCall | undefined>;
  use(id: string, owner: HoldOwner): Promise<HoldUse | undefined>;
}
