import type { Pool } from 'pg';

/** One writing statement. Its text is made with what to select as `segment`, and it has to return that. */
export interface Statement {
  readonly name: string;
  readonly text: (segment: string) => string;
  readonly values: readonly unknown[];
}

/** The write-ahead log segment in which a statement began, so that the embedded store can flush it. */
const currentSegment = 'pg_walfile_name(pg_current_wal_insert_lsn())';

/**
 * Writes with one statement, and so in one transaction, that is durable when it resolves. A flush that failed is
 * not tried again: the system reports a lost page once, and a second flush would say that all is well.
 */
export class DurableWriter {
  readonly #broken = new AbortController();

  /** @param flush makes a segment of the write-ahead log durable, where the database does not do it by itself */
  constructor(
    private readonly pool: Pool,
    private readonly flush?: (segment: string) => Promise<void>,
  ) {}

  /** Fires when nobody can tell any more what is durable. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  get flushes(): boolean {
    return this.flush !== undefined;
  }

  breakDown(cause: unknown): void {
    this.#broken.abort(cause);
  }

  async write<Row extends object>({ name, text, values }: Statement): Promise<readonly Row[]> {
    this.#broken.signal.throwIfAborted();
    const { rows } = await this.pool.query<Row & { readonly segment: string }>({ name, text: text(this.flush ? currentSegment : `''`), values: [...values] });
    const segment = rows[0]?.segment;
    if (this.flush && segment !== undefined) await this.#flush(this.flush, segment);
    return rows;
  }

  async #flush(flush: (segment: string) => Promise<void>, segment: string): Promise<void> {
    try {
      await flush(segment);
    } catch (cause) {
      this.breakDown(cause);
      throw cause;
    }
  }
}
