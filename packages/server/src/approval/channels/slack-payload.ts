import { FlyballError } from '@flyball/protocol';
import { z } from 'zod';
import { parseStrictJson } from '../../lib/strict-json.js';
import { actionIds, type ButtonValue } from './slack-blocks.js';

/** What Slack sends when somebody presses a button: the parts that count. */
export interface Press {
  readonly app: string;
  readonly team: string;
  /** The team of who pressed; another one in a channel that is shared with others. */
  readonly userTeam: string;
  readonly user: string;
  /** The message, as it is known here. */
  readonly ref: string;
  readonly agrees: boolean;
  readonly value: ButtonValue;
  readonly responseUrl: string | undefined;
}

export const callbackBytesMax = 256 * 1024;
const valueMost = 2_000;

const id = z.string().min(1).max(64);
const press = z.looseObject({
  type: z.literal('block_actions'),
  api_app_id: id,
  team: z.looseObject({ id }),
  user: z.looseObject({ id, team_id: id.optional() }),
  container: z.looseObject({ type: z.literal('message'), message_ts: id, channel_id: id }),
  actions: z.array(z.looseObject({ action_id: z.string(), value: z.string().max(valueMost) })).length(1),
  response_url: z.string().max(2_048).optional(),
});
const value = z.strictObject({ hold: z.uuid(), seen: z.string().max(128) });

/** Reads a callback's form. Throws `request_malformed` or `request_too_large`. */
export function readPress(body: Uint8Array): Press {
  if (body.byteLength > callbackBytesMax) throw new FlyballError('request_too_large', `expected at most ${callbackBytesMax} bytes`);
  const payloads = new URLSearchParams(Buffer.from(body).toString('utf8')).getAll('payload');
  const [payload] = payloads;
  if (payloads.length !== 1 || payload === undefined) throw malformed();
  const read = press.safeParse(parseStrictJson(Buffer.from(payload), callbackBytesMax));
  if (!read.success) throw malformed();
  const { api_app_id: app, team, user, container, actions, response_url: responseUrl } = read.data;
  const [action] = actions;
  const agrees = action?.action_id === actionIds.agree;
  if (!action || (!agrees && action.action_id !== actionIds.refuse)) throw malformed();
  const meant = value.safeParse(parseStrictJson(Buffer.from(action.value), valueMost * 4));
  if (!meant.success) throw malformed();
  return { app, team: team.id, userTeam: user.team_id ?? team.id, user: user.id, ref: `${container.channel_id}:${container.message_ts}`, agrees, value: meant.data, responseUrl };
}

const malformed = () => new FlyballError('request_malformed', 'expected a button of one of our messages');
