import type { Desk } from './desk.js';

/** `?thread=1`: everything that belongs to the attempt, as JSON. `?body=1`: with what can be erased. Else one tlog-proof. Throws `not_found` when there is none. */
export async function receiptsFor(desk: Pick<Desk, 'receipt' | 'receipts'>, id: string, query: URLSearchParams): Promise<readonly [type: string, text: string]> {
  const withBody = query.get('body') === '1';
  if (query.get('thread') === '1') return ['application/json', JSON.stringify(await desk.receipts(id, withBody))];
  return ['text/plain; charset=utf-8', await desk.receipt(id, withBody)];
}
