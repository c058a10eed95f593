import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { z } from 'zod';
import { limits } from '../../lib/limits.js';
import { type AskedEvaluation, readAction, readContext, readEntity } from '../authzen/read-request.js';
import { problem } from './problem.js';

const text = z.string().max(2_048);
const moment = z.iso.datetime({ offset: true });

/** What binds a submission to a denial. Echoed members that decide nothing here are not read. */
const denial = z.object({ evaluation_id: text.optional(), binding_token: z.string().max(limits.evaluationBytesMax).optional(), expires_at: moment });
export type Denial = z.infer<typeof denial>;

const callback = z.object({ endpoint: text, state: z.unknown().optional(), events: z.array(z.string().max(32)).max(16).optional() });

interface ActorLink {
  readonly name: string;
  readonly issuer: string | undefined;
}

export interface Submission {
  readonly items: readonly SubmittedItem[];
  /** True where it came as a bundle, also as one of a single item. */
  readonly isBundle: boolean;
  readonly client: JsonObject;
  /** The actor that is claimed, and those it acts through; nothing where none is. */
  readonly actors: readonly ActorLink[];
  readonly callback: { readonly endpoint: string; readonly state: Json | undefined; readonly events: readonly string[] | undefined } | undefined;
}

export interface SubmittedItem {
  readonly asked: AskedEvaluation;
  readonly denial: Denial;
  /** The submission's own with what the item says otherwise. */
  readonly requestedAccess: JsonObject;
}

/** A submission (section Access Request Submission). Members that are not known are ignored. Throws `request_malformed` or a problem. */
export function readSubmission(from: JsonObject): Submission {
  const { items, resource, action, requested_access: requested, client, callback: wanted } = from;
  if (items !== undefined && (resource !== undefined || action !== undefined)) throw malformed('`items`, or a `resource` with an `action`, and not both');
  const subject = readEntity(from, 'subject');
  const context = readContext(from);
  const common = objectOr(requested, 'requested_access');
  const toItem = (each: JsonObject): SubmittedItem => ({ asked: { subject, resource: readEntity(each, 'resource'), action: readAction(each), context }, denial: readDenial(each['denial'] ?? from['denial']), requestedAccess: { ...common, ...objectOr(each['requested_access'], 'requested_access') } });
  if (items !== undefined && (!Array.isArray(items) || items.length === 0 || items.length > limits.accessRequestItemsMax || !items.every(isObject))) throw malformed(`\`items\` as a list of 1 to ${limits.accessRequestItemsMax} objects`);
  const read = ((items as readonly JsonObject[] | undefined) ?? [from]).map(toItem);
  return { items: read, isBundle: items !== undefined, client: objectOr(client, 'client'), actors: readActors(objectOr(client, 'client')['actor']), callback: readCallback(wanted) };
}

function readDenial(value: Json | undefined): Denial {
  const { evaluation_id: id, binding_token: token } = isObject(value) ? value : {};
  if (id === undefined && token === undefined) throw problem('invalid_denial_binding', 'expected a `denial` with its `binding_token` or its `evaluation_id`');
  const checked = denial.safeParse(value);
  if (!checked.success) throw problem('invalid_denial_binding', 'expected the members of `denial` as the denied evaluation had them, with `expires_at`');
  return checked.data;
}

function readCallback(value: Json | undefined): Submission['callback'] {
  if (value === undefined) return undefined;
  const checked = callback.safeParse(value);
  if (!checked.success) throw malformed('`callback` with an `endpoint`');
  const { endpoint, state, events } = checked.data;
  if (state !== undefined && JSON.stringify(state).length > limits.callbackStateBytesMax) throw malformed(`\`callback.state\` of at most ${limits.callbackStateBytesMax} bytes`);
  return { endpoint, state: state as Json | undefined, events };
}

/** `client.actor` and, inside it, the `act` of each that it acts through (section Delegation). */
function readActors(actor: Json | undefined): readonly ActorLink[] {
  const links: ActorLink[] = [];
  for (let link: Json | undefined = actor; link !== undefined; link = (link as JsonObject)['act']) {
    const name: Json | undefined = isObject(link) ? (link['id'] ?? link['sub']) : undefined;
    const issuer: Json | undefined = isObject(link) ? (link['issuer'] ?? link['iss']) : undefined;
    if (typeof name !== 'string' || (issuer !== undefined && typeof issuer !== 'string')) throw malformed('`client.actor` with an `id`, and each `act` in it with `sub` and `iss`');
    links.push({ name, issuer });
    if (links.length > limits.chainDepthMax + 1) throw malformed('a chain of fewer actors');
  }
  return links;
}

function objectOr(value: Json | undefined, name: string): JsonObject {
  if (value === undefined) return {};
  if (!isObject(value)) throw malformed(`\`${name}\` as an object`);
  return value;
}

const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}`);
