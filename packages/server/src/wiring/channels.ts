import { Notifier, questionsNow } from '../approval/index.js';
import { type Config, pagesOf } from '../config.js';
import type { Draft, Ledger, LogStore, Names } from '../ledger/index.js';
import { pause, type StoreClock } from '../lib/clock.js';
import type { Log } from '../lib/log.js';
import type { ActiveBundle } from '../policy/index.js';
import type { ApprovalRoom } from '../approval/index.js';

export interface ChannelsParts {
  readonly store: { readonly kind: 'embedded' | 'postgres'; readonly log: Pick<LogStore, 'head' | 'texts'> };
  readonly ledger: Ledger;
  readonly names: Names;
  readonly bundle: ActiveBundle;
  readonly clock: StoreClock;
  readonly approval: ApprovalRoom;
  readonly log: Log;
}

/** Who tells people, by the channels of the configuration. Throws `config_invalid` for one that cannot work. */
export function notifierOf(config: Config, { store, ledger, names, bundle, clock, approval, log }: ChannelsParts): Notifier {
  const record = {
    size: async () => (await store.log.head())?.size ?? 0n,
    texts: (first: bigint, count: number) => store.log.texts(first, count),
    find: (id: string) => ledger.store.find(id),
    content: async (id: string) => (await ledger.store.payload(id))?.content,
    readStream: (stream: string, afterVersion: number, most: number) => ledger.store.readStream(stream, afterVersion, most),
    newest: (stream: string, most: number) => ledger.store.list({ kinds: ['notified'], stream, most }),
    append: (draft: Draft) => ledger.append(draft),
    nameOf: (ref: string) => names.nameOf(ref),
  };
  const emailsOf = (group: string) => [...bundle.current.people.values()].flatMap(({ groups, email }) => (email !== undefined && groups.includes(group) ? [email] : []));
  return new Notifier({ channels: config.channels, secretOf: config.secretOf, address: pagesOf(config), record, marks: ledger.store, questions: questionsNow(approval.board, approval.questions), answers: approval.holds, emailsOf, clock, log, alone: store.kind === 'embedded' });
}

/** Tells people until it is told to stop. Ladders are climbed by who knows all questions, so those are read first. */
export async function notifyJob(notifier: Notifier, { board }: Pick<ApprovalRoom, 'board'>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const loaded = await board.load().then(() => true, () => false);
    if (loaded) return notifier.run(stop);
    await pause(1_000, stop);
  }
}
