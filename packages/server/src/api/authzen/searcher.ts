import { type JsonObject, toFlyballError } from '@flyball/protocol';
import type { Reached, Stages } from '../../action/stages.js';
import type { Received, Situated } from '../../action/states.js';
import { randomSalt } from '../../lib/ids.js';
import { limits } from '../../lib/limits.js';
import type { FoundMatch, SearchPage, SearchWish, Sought } from '../../policy/index.js';
import { obligationsOf } from './decision.js';
import { type Asker, callOf, forSubject } from './evaluator.js';
import { readPage, tokenFor } from './page.js';
import { type AskedEvaluation, honoursObligations, readAction, readContext, readEntity, readType } from './read-request.js';

/** What searches need of the rest of the house. */
export interface SearchPort {
  readonly stages: Pick<Stages, 'identify' | 'situate' | 'record'>;
  search(situated: Situated, wish: SearchWish): Promise<SearchPage>;
  /** Durable when it resolves. */
  append(draft: { readonly kind: 'evaluation'; readonly id: string; readonly streams: readonly { readonly stream: string }[]; readonly body: JsonObject; readonly payload: { readonly salt: string; readonly content: string } }): Promise<unknown>;
}

/** Subject, resource and action search (API 1.0, section 8). A search is one entry in the record, whatever it finds. */
export class Searcher {
  constructor(private readonly port: SearchPort) {}

  async search(from: JsonObject, sought: Sought, asker: Asker): Promise<JsonObject> {
    const asked = readSearch(from, sought);
    const received = asker.received(callOf(asked), limits.evaluationMs);
    const situated = await this.#situate(received, sought);
    const question = { identity: situated.principal.identity.id, sought, subject: asked.subject, resource: asked.resource, action: asked.action, context: asked.context } as unknown as JsonObject;
    const { after, limit } = readPage(from, question);
    const { found, next } = await this.port.search(situated, { sought, after, most: limit });
    const honours = honoursObligations(asked.context);
    const results = found.flatMap((match) => resultOf(match, honours));
    await this.#record(situated, sought, asked, results);
    const page = { next_token: next === undefined ? '' : tokenFor(next, limit, question), count: results.length };
    return { ...((from['page'] !== undefined || next !== undefined) && { page }), results };
  }

  /** The session is the subject's, where the search knows one: else the enforcement point's own. */
  async #situate(received: Received, sought: Sought): Promise<Situated> {
    let reached: Reached = received;
    try {
      const identified = await this.port.stages.identify(received);
      reached = identified;
      const known = forSubject(identified);
      return await this.port.stages.situate(sought === 'subject' ? identified : known);
    } catch (thrown) {
      const error = toFlyballError(thrown);
      await this.port.stages.record.refusal(reached, error);
      throw error;
    }
  }

  async #record({ id, principal, session, origin }: Situated, sought: Sought, asked: AskedEvaluation, results: readonly JsonObject[]): Promise<void> {
    const person = session.state.onBehalfOf;
    const body = { identity: principal.identity.id, ...(person !== undefined && { on_behalf_of: person }), chain: principal.chain, method: principal.method, session: session.state.id, search: sought, found: results.length, gateway: origin.gateway };
    const whole = JSON.stringify({ asked, results, address: origin.address });
    const content = whole.length <= limits.payloadBytesMax ? whole : JSON.stringify({ too_large: whole.length });
    await this.port.append({ kind: 'evaluation', id, streams: [{ stream: session.stream }], body, payload: { salt: randomSalt(), content } });
  }
}

/** A result; none where something would be asked of an enforcement point that does not say that it does it (Obligations Profile, section 5.3). */
function resultOf({ match, modification }: FoundMatch, honours: boolean): readonly JsonObject[] {
  if (!modification) return [{ ...match }];
  return honours ? [{ ...match, obligations: obligationsOf(modification) }] : [];
}

/** Whom and what a search is about; what it looks for has no id, and no name. */
function readSearch(from: JsonObject, sought: Sought): AskedEvaluation {
  const context = readContext(from);
  const anybody = { id: '' };
  switch (sought) {
    case 'subject':
      return { subject: { ...readType(from, 'subject'), ...anybody }, action: readAction(from), resource: readEntity(from, 'resource'), context };
    case 'resource':
      return { subject: readEntity(from, 'subject'), action: readAction(from), resource: { ...readType(from, 'resource'), ...anybody }, context };
    case 'action':
      return { subject: readEntity(from, 'subject'), action: { name: '' }, resource: readEntity(from, 'resource'), context };
  }
}

