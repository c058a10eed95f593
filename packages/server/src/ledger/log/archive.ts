import { FlyballError } from '@flyball/protocol';
import type { Ledger } from '../ledger.js';
import type { ArchiveStore } from './log-store.js';

const archiveStream = 'archive:all';
const bundleWidth = 256n;

/**
 * Takes old entries out of the store once a folder has them. Only whole bundles go, and what a session, a stream or
 * a bundle still needs stays. Tiles of hashes stay, so every proof does; the log itself says up to where it was archived.
 */
export async function archive(ledger: Ledger, store: ArchiveStore, beforeMs: number, logSize: bigint, save: (below: bigint) => Promise<void>): Promise<{ readonly below: bigint; readonly removed: number }> {
  const first = (await store.firstSince(beforeMs)) ?? logSize;
  const below = ((first < logSize ? first : logSize) / bundleWidth) * bundleWidth;
  if (below === 0n) throw new FlyballError('usage', 'expected at least one full bundle of 256 entries before that time; nothing was changed');
  await save(below);
  await ledger.append({ kind: 'archived', streams: [{ stream: archiveStream }], body: { below: String(below) } });
  return { below, removed: await store.removeBelow(below) };
}
