import type { Entry } from '@flyball/protocol';
import { type OpenedBody, taskStream, type TaskState } from './task-state.js';
import type { Tasks } from './tasks.js';

export interface WatchStore {
  /** Entries of a kind that nothing has settled, by id, after one of them. */
  unsettled(kind: 'request.opened', after: string | undefined, most: number): Promise<readonly Entry[]>;
  read<S>(stream: string): Promise<{ readonly state: S | undefined }>;
}

const pageSize = 1_000;

/** Sees to it that a task's ending is written down as soon as its question ends, also when nobody looks at the task. */
export class TaskWatch {
  /** Entries that opened tasks, with the task, by the questions that they wait for. */
  readonly #waiting = new Map<string, Map<string, string>>();
  readonly #holdOf = new Map<string, string>();
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
    const { profile, hold, task } = entry.body as Partial<OpenedBody>;
    if (entry.kind === 'request.opened' && profile === 'arap' && hold !== undefined && task !== undefined) {
      this.#holdOf.set(entry.id, hold);
      this.#waiting.set(hold, (this.#waiting.get(hold) ?? new Map<string, string>()).set(entry.id, task));
      return;
    }
    if (entry.kind === 'request.settled') return this.#forget(entry.settles);
    for (const found of new Set(this.#waiting.get(entry.settles ?? hold ?? '')?.values())) {
      const settling = this.#settle(found).finally(() => this.#busy.delete(settling));
      this.#busy.add(settling);
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#busy);
  }

  #forget(opened: string | undefined): void {
    const hold = this.#holdOf.get(opened ?? '');
    if (hold === undefined || opened === undefined) return;
    this.#holdOf.delete(opened);
    this.#waiting.get(hold)?.delete(opened);
    if (this.#waiting.get(hold)?.size === 0) this.#waiting.delete(hold);
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
