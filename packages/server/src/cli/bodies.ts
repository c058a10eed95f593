import type { ArchivedBody } from '../ledger/index.js';
import { earliestId } from '../lib/ids.js';

const pageSize = 500;

/** All bodies, page by page: each page is asked for with the last entry of the one before it. */
export async function* pagesOfBodies(read: (after: string, most: number) => Promise<readonly ArchivedBody[]>): AsyncGenerator<readonly ArchivedBody[]> {
  for (let after = earliestId(0); ; ) {
    const page = await read(after, pageSize);
    yield page;
    const last = page.at(-1);
    if (!last || page.length < pageSize) return;
    after = last.entry;
  }
}
