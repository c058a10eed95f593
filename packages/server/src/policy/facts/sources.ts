import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FlyballError, type Json } from '@flyball/protocol';
import { z } from 'zod';
import { fetchBytes } from '../../lib/safe-fetch.js';
import type { Secret } from '../../lib/secret.js';
import { SqlReader } from '../../lib/sql-reader.js';
import { parseStrictJson } from '../../lib/strict-json.js';
import { parseYaml } from '../../lib/yaml-file.js';
import type { Lookup } from '../fact-source.js';
import { Calendar } from './calendar.js';
import type { CalendarSettings, HttpSettings, SourceSettings, SqlSettings, Surroundings } from './settings.js';
import { Template } from './template.js';
import { UrlTemplate } from './url-template.js';

const documentBytesMax = 1024 * 1024;
const rowBytesMax = 64 * 1024;

export interface Reading {
  readonly document: Json;
  /** By then it will say something else. */
  readonly holdsUntilMs?: number;
}

export interface Source {
  readonly name: string;
  readonly placeholders: readonly string[];
  /** Throws a `FlyballError` that says what was expected, and never what was read. */
  read(lookup: Lookup, nowMs: number, timeoutMs: number): Promise<Reading>;
}

/** Opens sources. Databases are shared by all that name the same one. */
export class Sources {
  readonly #databases = new Map<string, SqlReader>();

  constructor(private readonly surroundings: Surroundings) {}

  /** @param known placeholders that can be filled. Throws `config_invalid` for what is wrong in a source, or missing in the environment. */
  open({ name, file, http, sql, calendar }: SourceSettings, known: RegExp): Source {
    if (http) return { name: name ?? 'http', ...this.#http(http, known) };
    if (sql) return { name: name ?? 'sql', ...this.#sql(sql, known) };
    if (calendar) return { name: name ?? 'calendar', ...this.#calendar(calendar, known) };
    if (!file) throw new FlyballError('config_invalid', 'expected a source');
    const path = resolve(this.surroundings.directory, file.path);
    return { name: name ?? 'file', placeholders: [], read: async () => ({ document: toDocument(path, await readFile(path)) }) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#databases.values()].map((database) => database.close()));
  }

  #http(settings: HttpSettings, known: RegExp): Omit<Source, 'name'> {
    const { placeholders, get } = this.#getter(settings, known, 'application/json');
    return { placeholders, read: async (lookup, _nowMs, timeoutMs) => ({ document: parseStrictJson(await get(lookup, timeoutMs), documentBytesMax) }) };
  }

  #sql({ url_from_env, statement, parameters }: SqlSettings, known: RegExp): Omit<Source, 'name'> {
    const database = this.#databases.get(url_from_env) ?? new SqlReader(this.#secret(url_from_env));
    this.#databases.set(url_from_env, database);
    const templates = parameters.map((text) => new Template(text, known));
    const read = async (lookup: Lookup, _nowMs: number, timeoutMs: number) => {
      const values = templates.map((template) => template.fill(lookup, (value) => value));
      const [row, more] = await database.rows(statement, values, { timeoutMs, rowsMax: 2, rowBytesMax });
      if (row === undefined || more !== undefined) throw new FlyballError('internal', `expected one row of at most ${rowBytesMax} bytes, got ${more === undefined ? 'none' : 'several'}`);
      return { document: row };
    };
    return { placeholders: templates.flatMap((template) => template.placeholders), read };
  }

  #calendar({ path, url, time_zone, ...rest }: CalendarSettings, known: RegExp): Omit<Source, 'name'> {
    const calendar = new Calendar(time_zone);
    const file = path === undefined ? undefined : resolve(this.surroundings.directory, path);
    const web = url === undefined ? undefined : this.#getter({ url, ...rest }, known, 'text/calendar');
    const read = async (lookup: Lookup, nowMs: number, timeoutMs: number) => {
      const bytes = file === undefined ? await web?.get(lookup, timeoutMs) : await readFile(file);
      const { open, untilMs, summary } = await calendar.at(toText(bytes ?? new Uint8Array()), nowMs);
      return { document: { open, until: new Date(untilMs).toISOString(), summary }, holdsUntilMs: untilMs };
    };
    return { placeholders: web?.placeholders ?? [], read };
  }

  #getter({ url, headers_from_env, allow_private_address: allowPrivate }: HttpSettings, known: RegExp, accept: string) {
    const template = new UrlTemplate(url, known);
    const secrets = Object.entries(headers_from_env).map(([header, variable]) => [header.toLowerCase(), this.#secret(variable)] as const);
    const headers = () => ({ accept, ...Object.fromEntries(secrets.map(([header, secret]) => [header, secret.reveal()])) });
    const get = (lookup: Lookup, timeoutMs: number) => fetchBytes(template.fill(lookup), { bytesMax: documentBytesMax, timeoutMs, allowPrivate }, headers());
    return { placeholders: template.placeholders, get };
  }

  #secret(variable: string): Secret {
    const secret = this.surroundings.secretOf(variable);
    if (!secret) throw new FlyballError('config_invalid', `expected the environment variable \`${variable}\`, which a source names`);
    return secret;
  }
}

/** A file of bounded size. A pipe that nobody writes to would keep one of this process's few threads, so nothing is waited for. */
async function readFile(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: Infinity }));
      if (size > documentBytesMax) throw new FlyballError('internal', `expected a file of at most ${documentBytesMax} bytes`);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw cause instanceof FlyballError ? cause : new FlyballError('internal', 'the file cannot be read', { cause });
  }
}

function toDocument(path: string, bytes: Uint8Array): Json {
  if (!/\.ya?ml$/i.test(path)) return parseStrictJson(bytes, documentBytesMax);
  const parsed = parseYaml(toText(bytes), z.json());
  const [fault] = 'faults' in parsed ? parsed.faults : [];
  if ('faults' in parsed) throw new FlyballError('internal', `expected YAML (line ${fault?.line ?? 1})`);
  return parsed.value as Json;
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FlyballError('internal', 'expected UTF-8', { cause });
  }
}
