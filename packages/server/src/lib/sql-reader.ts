import { FlyballError, type Json, type JsonObject } from '@flyball/protocol';
import pg from 'pg';
import type { Secret } from './secret.js';
import { parseStrictJson } from './strict-json.js';

export interface SqlBounds {
  readonly timeoutMs: number;
  /** Rows beyond this many are not read. */
  readonly rowsMax: number;
  /** Of one row, as PostgreSQL writes it; larger rows are not read. */
  readonly rowBytesMax: number;
}

const connectionsMax = 4;
const idleMs = 30_000;

/**
 * Reads from somebody else's PostgreSQL, one query at a time in a transaction that may only read and is rolled back.
 * The query stands inside another one, so that nothing but a query can: the grammar has no place there for a
 * statement that writes, for a second statement, or for the end of the transaction.
 */
export class SqlReader {
  readonly #pool: pg.Pool;

  constructor(url: Secret) {
    this.#pool = new pg.Pool({ connectionString: url.reveal(), max: connectionsMax, idleTimeoutMillis: idleMs, connectionTimeoutMillis: 10_000, application_name: 'flyball-facts', allowExitOnIdle: true });
    // A connection that breaks while nobody uses it is replaced by the next question.
    this.#pool.on('error', () => undefined);
  }

  /** Throws `internal`, never with what the database said: its words may quote what is in it. */
  async rows(query: string, values: readonly string[], bounds: SqlBounds): Promise<readonly JsonObject[]> {
    try {
      return await this.#read(query, values, bounds);
    } catch (cause) {
      throw cause instanceof FlyballError ? cause : new FlyballError('internal', `the database gave no answer${codeOf(cause)}`, { cause });
    }
  }

  async #read(query: string, values: readonly string[], { timeoutMs, rowsMax, rowBytesMax }: SqlBounds): Promise<readonly JsonObject[]> {
    const client = await this.#pool.connect();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new FlyballError('internal', `the database gave no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    const ask = async () => {
      await client.query(`begin read only; set local statement_timeout = ${Math.ceil(timeoutMs)}; set local timezone = 'UTC'; set local datestyle = 'ISO'`);
      const text = `select flyball_row.* from (${query}\n) as flyball_row where octet_length(flyball_row::text) <= ${rowBytesMax} limit ${rowsMax}`;
      const { rows } = await client.query<JsonObject>({ text, values: [...values], types: { getTypeParser }, queryMode: 'extended' } as pg.QueryConfig);
      await client.query('rollback');
      return rows;
    };
    const asking = ask();
    try {
      const rows = await Promise.race([asking, late]);
      client.release();
      return rows;
    } catch (error) {
      asking.catch(() => undefined);
      // Whatever state it is in: the next question has another connection.
      client.release(true);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** PostgreSQL's five characters say what kind of fault it was and quote nothing. */
function codeOf(cause: unknown): string {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? ` (SQLSTATE ${code})` : '';
}

type Parser = (text: string) => Json;

/** Exactly the number, or its text where a double cannot carry it. */
const number: Parser = (text) => {
  const value = Number(text);
  const exact = /^-?\d+$/.test(text) ? Number.isSafeInteger(value) : /^-?\d{1,11}\.\d{1,4}0*$/.test(text);
  return exact ? value : text;
};

const float: Parser = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);
const json: Parser = (text) => parseStrictJson(Buffer.from(text));
/** ISO 8601 as RFC 3339 has it; only the UTC that was asked for. */
const instant: Parser = (text) => text.replace(/^(\d{4}-\d\d-\d\d) ([\d:.]+)\+00$/, '$1T$2Z');

/** By the type's OID; whatever else there is stays text. */
const parsers: Readonly<Record<number, Parser>> = { 16: (text) => text === 't', 20: number, 21: number, 23: number, 700: float, 701: float, 1700: number, 114: json, 3802: json, 1184: instant };

const getTypeParser = (oid: number): Parser => parsers[oid] ?? ((text) => text);
