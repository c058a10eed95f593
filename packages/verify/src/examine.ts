import { bundlePath } from '@flyball/tlog';
import type { Findings } from './finding.js';
import type { RecordCheck } from './record/record-check.js';
import type { LogSource } from './source/source.js';
import { type Chunk, chunks } from './tree/read-ahead.js';
import type { TreeCheck } from './tree/tree-check.js';
import type { Progress } from './verdict.js';

export interface Examination {
  readonly source: LogSource;
  readonly size: number;
  readonly tree: TreeCheck;
  readonly record: RecordCheck;
  readonly findings: Findings;
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** Bundles between two words about progress: some tenths of a second. */
const wordEvery = 32;
const wordMs = 1_000;
/** Files that may be missing before the rest is given up: a server without them would be asked for ever. */
const unavailableMax = 20;

/** Reads all entries once: builds the tree from them, and hands each to the record. */
export async function examine(examination: Examination): Promise<void> {
  const { source, size, tree, findings, progress } = examination;
  let done = 0;
  const say = () => progress?.({ done, total: size });
  // Also while one slow file is waited for.
  const timer = setInterval(say, wordMs);
  try {
    let count = 0;
    for await (const chunk of chunks(source, size)) {
      if (!(await take(chunk, examination))) break;
      done = chunk.first + chunk.width;
      if (++count % wordEvery === 0) say();
    }
    if (done === size) await tree.finish();
    else findings.add('not_examined', `expected ${size} entries, of which the last ${size - done} were not read`, { index: done });
    say();
  } finally {
    clearInterval(timer);
  }
}

/** False when the tree cannot be followed any further. */
async function take(chunk: Chunk, { tree, record, findings }: Examination): Promise<boolean> {
  const placed = await tree.add(chunk);
  if (!placed || findings.count('unavailable') >= unavailableMax) return false;
  const file = bundlePath({ index: BigInt(chunk.first / 256), width: chunk.width });
  if (placed.length < chunk.width) findings.add('not_examined', `expected the entries ${chunk.first} to ${chunk.first + chunk.width - 1}, which were not read`, { file, index: chunk.first });
  for (const leaf of placed) record.add(leaf, file);
  return true;
}
