import type { JsonObject } from '@flyball/protocol';
import type { ArchivedBody, Erased, ErasureWish } from '../ledger/index.js';
import type { Explanation } from '../policy/index.js';
import type { AccessDesk } from './access-requests.js';
import type { WaitingDesk } from './waiting-desk.js';

export interface SessionRow {
  readonly id: string;
  readonly identity: string;
  readonly on_behalf_of?: string;
  readonly purpose: string;
  readonly opened: string;
  readonly until: string;
  readonly state: 'open' | 'ended';
  readonly labels: readonly string[];
  readonly actions: number;
  readonly refusals: number;
  readonly spent: Readonly<Record<string, number>>;
}

export interface ActionRow {
  readonly id: string;
  readonly at: string;
  readonly kind: 'intent' | 'evaluation' | 'hold' | 'refusal';
  readonly identity: string;
  readonly action: string;
  readonly outcome: string;
  readonly effect: string;
}

export interface HoldRow {
  readonly id: string;
  readonly identity: string;
  readonly action: string;
  /** `approved`, or what was missing has `arrived`: it is done when the machine asks again. */
  readonly state: 'pending' | 'approved' | 'arrived';
  readonly waits_for: string;
  readonly until: string;
  readonly agreed: readonly string[];
}

export interface ToolRow {
  readonly upstream: string;
  readonly tool: string;
  readonly digest: string;
  readonly accepted: boolean;
}

/** What an administrator can see and do, whether asked over HTTP or on the store itself. */
export interface Desk {
  sessions(most: number): Promise<readonly SessionRow[]>;
  actions(most: number, session?: string): Promise<readonly ActionRow[]>;
  explain(id: string): Promise<Explanation>;
  holds(): Promise<readonly HoldRow[]>;
  /** What waits for people, and what they do about it. */
  readonly waiting: WaitingDesk;
  /** Requests for access, and grants. */
  readonly access: AccessDesk;
  tools(): Promise<readonly ToolRow[]>;
  acceptTool(upstream: string, tool: string, person: string): Promise<JsonObject>;
  reload(): Promise<JsonObject>;
  status(): Promise<JsonObject>;
  log(): Promise<LogStatus>;
  /** A file of the log by its C2SP path: `checkpoint`, `tile/0/000`, `tile/entries/000`. */
  logFile(path: string): Promise<Uint8Array>;
  /** What entries of the log commit to and what can be erased, by entry, in pages. */
  bodies(after: string, most: number): Promise<readonly ArchivedBody[]>;
  /** One entry's receipt, as the text of a tlog-proof. Throws `not_found` while it is not in the log. */
  receipt(id: string, withBody: boolean): Promise<string>;
  receipts(id: string, withBody: boolean): Promise<Thread>;
  retireKey(key: string): Promise<JsonObject>;
  erase(wish: ErasureWish, person: string): Promise<Erased>;
}

export interface LogStatus {
  readonly origin: string;
  /** C2SP verifier keys and whether each still signs. */
  readonly keys: Readonly<Record<string, string>>;
  readonly size: string;
  readonly checkpoint: string;
}

/** Receipts of all that belongs to one attempt, and the ids of entries that are not in the log yet. */
export interface Thread {
  readonly receipts: readonly string[];
  readonly pending: readonly string[];
}
