import type { Secret } from '../../lib/secret.js';

/** Where an answer comes from; exactly one of the four is there. */
export interface SourceSettings {
  readonly name?: string | undefined;
  readonly file?: { readonly path: string } | undefined;
  readonly http?: HttpSettings | undefined;
  readonly sql?: SqlSettings | undefined;
  readonly calendar?: CalendarSettings | undefined;
}

export interface HttpSettings {
  readonly url: string;
  /** Header to the name of the environment variable with its value. */
  readonly headers_from_env: Readonly<Record<string, string>>;
  readonly allow_private_address: boolean;
}

export interface SqlSettings {
  readonly url_from_env: string;
  readonly statement: string;
  readonly parameters: readonly string[];
}

export interface CalendarSettings extends Omit<HttpSettings, 'url'> {
  readonly path?: string | undefined;
  readonly url?: string | undefined;
  readonly time_zone?: string | undefined;
}

export interface FactSettings {
  readonly sources: readonly SourceSettings[];
  /** In milliseconds. */
  readonly fresh_for: number;
  readonly timeout_ms: number;
  readonly select: Readonly<Record<string, string>>;
}

/** What sources are opened with. */
export interface Surroundings {
  /** Paths of files are relative to it. */
  readonly directory: string;
  readonly secretOf: (environmentVariable: string) => Secret | undefined;
}
