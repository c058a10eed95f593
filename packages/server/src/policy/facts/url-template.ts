import { FlyballError } from '@flyball/protocol';
import type { Lookup } from '../fact-source.js';
import { Template } from './template.js';

const shape = /^(https?:\/\/[^/?#{}@\\\s]+)(\/[^?#]*)?(\?[^#]*)?$/i;

/**
 * A URL whose path and query have places for somebody else's words. Each stays one segment or one value, whatever it
 * says; scheme, host and port are the configuration's alone.
 */
export class UrlTemplate {
  readonly placeholders: readonly string[];
  readonly #origin: string;
  readonly #segments: readonly Template[];
  readonly #query: Template;

  /** Throws `config_invalid`. */
  constructor(text: string, known: RegExp) {
    const [, origin = '', path = '/', query = ''] = shape.exec(text) ?? [];
    if (!URL.canParse(origin)) throw new FlyballError('config_invalid', `expected an http or https URL with placeholders in its path and query only, without user and fragment, got \`${text.slice(0, 200)}\``);
    this.#origin = new URL(origin).origin;
    this.#segments = path.split('/').map((segment) => new Template(segment, known));
    this.#query = new Template(query, known);
    this.placeholders = [...new Set([...this.#segments, this.#query].flatMap(({ placeholders }) => placeholders))];
    this.#whole(() => 'x', 'config_invalid');
  }

  /** Throws `internal` for a value that cannot stand where it has to. */
  fill(lookup: Lookup): string {
    return this.#whole(lookup, 'internal');
  }

  #whole(lookup: Lookup, code: 'config_invalid' | 'internal'): string {
    const path = this.#segments.map((segment) => segment.fill(lookup, pathWord)).join('/');
    const query = this.#query.fill(lookup, encode);
    const url = new URL(`${this.#origin}${path}${query}`);
    // Whatever a parser of URLs would rewrite (`..`, `%2e%2e`, a backslash) leads elsewhere than it says.
    if (url.origin !== this.#origin || url.pathname !== path || url.search !== (query === '?' ? '' : query)) throw new FlyballError(code, 'expected a URL that stays as it is written');
    return url.href;
  }
}

/** Many servers decode a path before they take its dots away; an empty segment asks for the list instead of one of it. */
function pathWord(value: string): string {
  if (value.split(/[/\\]/).some((part) => part === '' || part === '.' || part === '..')) throw new FlyballError('internal', 'expected a value that can be one segment of a path');
  return encode(value);
}

const encode = (value: string): string => encodeURIComponent(value).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
