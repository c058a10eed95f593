import { digestOf, FlyballError, isObject, type Json, type JsonObject, type Principal } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import { comparable } from '../../lib/names.js';
import { parseStrictJson } from '../../lib/strict-json.js';
import type { AskedEvaluation } from '../authzen/read-request.js';
import { type BindingTerms, deniedInRecord } from './binding.js';
import { catalogsUrl } from './denial.js';
import { grantField, grantTemplate, isProblem } from './draft.js';
import type { GrantOffers } from './grant-offers.js';
import { problem } from './problem.js';
import type { ArapRecord } from './record.js';
import type { Submitter } from './submitter.js';
import { denialStream } from './task-state.js';

/** What the bundle says of a grant. */
export interface ShownGrantTerms {
  readonly description: string;
  readonly owner: string;
}

export interface CatalogParts {
  readonly offers: Pick<GrantOffers, 'mayAsk' | 'namesFor'>;
  readonly record: Pick<ArapRecord, 'read'>;
  bindingTerms(): BindingTerms;
  declared(): ReadonlyMap<string, ShownGrantTerms>;
  isPerson(name: string): boolean;
  /** Throws `overloaded` for an enforcement point that looks too often. */
  verifyMayLook(identity: string): void;
}

/** The catalogue of a field, below the address of its denial's catalogues. */
export const grantCatalog = 'grants';
const searchParam = 'q';
const pageDefault = 50;
const cursorBytesMax = 1_024;

/**
 * What can be asked for because of one denial, for the enforcement point that it was given to, while it can be asked about
 * (sections Catalog References and Catalog Disclosure). Everything is looked at anew each time, under today's bundle.
 */
export class Catalogs {
  constructor(private readonly parts: CatalogParts) {}

  /** The Catalogs Document. */
  async document(evaluation: string, { principal }: Submitter): Promise<JsonObject> {
    await this.#denial(evaluation, principal);
    return { fields: { [grantField]: { endpoint: `${catalogsUrl(this.parts.bindingTerms().known, evaluation)}/${grantCatalog}`, search_param: searchParam } } };
  }

  /** A page of the catalogue of grants. Parameters that are not known are ignored. */
  async grants(evaluation: string, query: URLSearchParams, submitter: Submitter): Promise<JsonObject> {
    const { principal } = submitter;
    const asked = await this.#denial(evaluation, principal);
    const search = comparable(query.get(searchParam) ?? '').trim();
    if (search.length > limits.catalogSearchMax) throw malformed(`\`${searchParam}\` of at most ${limits.catalogSearchMax} characters`);
    const place = { evaluation, identity: principal.identity.id, search };
    const after = readCursor(query.get('cursor'), place);
    const most = pageSize(query.get('limit'));
    this.parts.verifyMayLook(principal.identity.id);
    const declared = this.parts.declared();
    const isWanted = (name: string) => [name, declared.get(name)?.description ?? ''].some((text) => comparable(text).includes(search));
    const names = await this.parts.offers.namesFor(asked, submitter, isWanted);
    const left = names.filter((name) => name > after);
    const shown = left.slice(0, most);
    const last = shown.at(-1);
    return { items: shown.map((name) => this.#item(name, declared.get(name))), ...(left.length > most && last !== undefined && { next_cursor: cursorFor(last, place) }), total: names.length };
  }

  /** Who owns a grant is told where that is a group: a person's name is nothing for a catalogue. */
  #item(value: string, terms: ShownGrantTerms | undefined): JsonObject {
    const isGroup = terms !== undefined && !this.parts.isPerson(terms.owner);
    return { value, label: value, ...(terms && { description: terms.description }), ...(isGroup && { owner: terms.owner }) };
  }

  /** What was denied. Whoever else asks is told what they would be told of a denial that never was. */
  async #denial(evaluation: string, { identity }: Principal): Promise<AskedEvaluation> {
    const terms = this.parts.bindingTerms();
    const denied = await deniedInRecord(evaluation, terms).catch(orNothing);
    if (!denied || denied.template !== grantTemplate || denied.identity !== identity.id || !this.parts.offers.mayAsk(identity.id)) throw new FlyballError('not_found', 'no such catalogue');
    const { version } = await this.parts.record.read(denialStream(evaluation));
    if (version > 0 || denied.expiresAtMs <= terms.nowMs) throw problem('expired_denial', 'this denial cannot be asked about any more; evaluate again');
    return denied.asked;
  }
}

function orNothing(error: unknown): undefined {
  if (!(error instanceof FlyballError && isProblem(error.detail))) throw error;
}

/** What cannot be a size is taken for none, and what is too large for the largest. */
function pageSize(limit: string | null): number {
  const wanted = limit === null ? NaN : Number(limit);
  return Number.isSafeInteger(wanted) ? Math.min(Math.max(1, wanted), limits.catalogPageMax) : pageDefault;
}

/** A cursor goes on in the same search for the same denial. It is no secret: made up, it only begins elsewhere in what its holder is shown anyway. */
const cursorFor = (after: string, place: JsonObject): string => Buffer.from(JSON.stringify({ after, of: digestOf({ after, place }) })).toString('base64url');

function readCursor(cursor: string | null, place: JsonObject): string {
  if (cursor === null || cursor === '') return '';
  const after = cursor.length <= cursorBytesMax ? afterIn(cursor) : undefined;
  if (after === undefined || cursorFor(after, place) !== cursor) throw malformed('`cursor` as it was given, with the search and for the denial that it was given for');
  return after;
}

function afterIn(cursor: string): string | undefined {
  try {
    const read: Json = parseStrictJson(Buffer.from(cursor, 'base64url'), cursorBytesMax);
    return isObject(read) && typeof read['after'] === 'string' ? read['after'] : undefined;
  } catch {
    return undefined;
  }
}

const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}`);
