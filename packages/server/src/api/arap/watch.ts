import type { Entry } from '@flyball/protocol';
import { type OpenedBody, taskStream, type TaskState } from './task-state.js';
import type { Tasks } from './tasks.js';

export interface WatchStore {
  /** Entries of a kind that nothing has settled, by id, after one of them. */
  unsettled(kind: 'request.opened', after: string | undefined, most: number): Promise<readonly Entry[]>;
  read<S>(stream: string): Promise<{ readonly state: S | undefined }>;
}

const pageSize = 1_000;

/** Kinds by which a request for a grant goes on or ends; each stands in the session in which it was asked. */
const stepsOfGrants: ReadonlySet<string> = new Set(['hold', 'hold.settled', 'grant.opened', 'outcome', 'refusal']);
const sessionKey = (session: string): string => `session:${session}`;

/** Sees to it that a task's ending is written down as soon as its question or its request for a grant ends, also when nobody looks at the task. */
export class TaskWatch {
  /** Entries that opened tasks, with the task, by what they wait for: a question, or what happens in a session. */
  readonly #waiting = new Map<string, Map<string, string>>();
  readonly #keyOf = new Map<string, string>();
  readonly #busy = new Set<Promise<void>>();

  constructor(
    private readonly store: WatchStore,
    private readonly tasks: Pick<Tasks, 'settle'>,
    private readonly trouble: (error: unknown) => void,
  ) {}

  /** Reads what was open before this node began to listen, and settles what ended meanwhile. */
  async load(): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const page: readonly Entry[] = await this.store.unsettled('request.opened', after, pageSize);
      for (const entry of page) {
        this.notice(entry);
        const { profile, task } = entry.body as Partial<OpenedBody>;
        if (profile === 'arap' && task !== undefined) await this.#settle(task);
      }
      after = page.at(-1)?.id;
      if (page.length < pageSize) return;
    }
  }

  /** Takes notice of an entry of this node or of another, once or more often. */
  notice(entry: Entry): void {
    const { profile, hold, task, asks } = entry.body as Partial<OpenedBody>;
    if (entry.kind === 'request.opened' && profile === 'arap' && hold !== undefined && task !== undefined) {
      const key = asks ? sessionKey(asks.session) : hold;
      this.#keyOf.set(entry.id, key);
      this.#waiting.set(key, (this.#waiting.get(key) ?? new Map<string, string>()).set(entry.id, task));
      return;
    }
    if (entry.kind === 'request.settled') return this.#forget(entry.settles);
    const { session } = entry.body as { readonly session?: string };
    const inSession = session !== undefined && stepsOfGrants.has(entry.kind) ? (this.#waiting.get(sessionKey(session))?.values() ?? []) : [];
    for (const found of new Set([...(this.#waiting.get(entry.settles ?? hold ?? '')?.values() ?? []), ...inSession])) {
      const settling = this.#settle(found).finally(() => this.#busy.delete(settling));
      this.#busy.add(settling);
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#busy);
  }

  #forget(opened: string | undefined): void {
    const key = this.#keyOf.get(opened ?? '');
    if (key === undefined || opened === undefined) return;
    this.#keyOf.delete(opened);
    this.#waiting.get(key)?.delete(opened);
    if (this.#waiting.get(key)?.size === 0) this.#waiting.delete(key);
  }

  async #settle(task: string): Promise<void> {
    try {
      const { state } = await this.store.read<TaskState>(taskStream(task));
      if (state) await this.tasks.settle(state);
    } catch (error) {
      this.trouble(error);
    }
  }
}
