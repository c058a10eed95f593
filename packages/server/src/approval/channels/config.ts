import { z } from 'zod';
import { channelEvents } from './events.js';

const group = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, 'expected the name of a group');
/** Groups that share one place, and `*` for those that are not named. */
const groupOrAll = z.union([group, z.literal('*')]);
const variable = z.string().min(1).max(128);
const slackId = (first: string) => z.string().regex(new RegExp(`^[${first}][A-Z0-9]{1,31}$`), `expected an id of Slack's that begins with ${first.split('').join(' or ')}`);
const address = z.email().max(254);
const endpoint = z.url({ protocol: /^https?$/ }).max(2_048);

const which = {
  /** What it is told of; everything where nothing is said. */
  events: z.array(z.enum(channelEvents)).min(1).default([...channelEvents]),
  /** Only questions to these groups; to all of them where nothing is said. */
  groups: z.array(group).min(1).max(100).optional(),
};

const webhook = z.strictObject({ kind: z.literal('webhook'), url: endpoint, secret_from_env: variable, ...which });

const slack = z.strictObject({
  kind: z.literal('slack'),
  api: endpoint.default('https://slack.com/api'),
  token_from_env: variable,
  /** Slack channel of each group. */
  to: z.record(groupOrAll, slackId('CGD')).refine((value) => Object.keys(value).length > 0 && Object.keys(value).length <= 100, 'expected between 1 and 100 groups'),
  /** Whether a message shows the arguments of what is asked for; nobody agrees in Slack to what Slack does not show. */
  show: z.enum(['summary', 'preview']).default('summary'),
  /** Lets people answer in Slack; without it messages have no buttons, and no callback is taken. */
  answers: z
    .strictObject({ signing_secret_from_env: variable, team: slackId('TE'), app: slackId('A'), people: z.record(slackId('UW'), z.string().min(1).max(128)) })
    .optional(),
  ...which,
});

const mail = z
  .strictObject({
    kind: z.literal('mail'),
    host: z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'expected a host name or an address'),
    port: z.number().int().min(1).max(65_535).default(465),
    /** `tls` from the first byte, `starttls` before anything is said, `none` for a server on this machine. */
    secure: z.enum(['tls', 'starttls', 'none']).default('tls'),
    user_from_env: variable.optional(),
    password_from_env: variable.optional(),
    /** Name of the environment variable with the certificates (PEM) to be trusted instead of the system's. */
    ca_from_env: variable.optional(),
    from: address,
    /** Addresses of each group; members' `email` of people.yaml where a group is not named. `*` is for what is for nobody in particular. */
    to: z.record(groupOrAll, z.array(address).min(1).max(100)).default({}),
    ...which,
  })
  .refine((value) => (value.user_from_env === undefined) === (value.password_from_env === undefined), 'expected both of `user_from_env` and `password_from_env`, or neither')
  .refine((value) => value.secure !== 'none' || value.password_from_env === undefined, 'expected `secure: tls` or `starttls` where there is a password');

const channel = z.discriminatedUnion('kind', [webhook, slack, mail]);

/** Channels by their names. */
export const channelsConfig = z
  .record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected lower-case letters, digits and `-`'), channel)
  .refine((value) => Object.keys(value).length <= 32, 'expected at most 32 channels')
  .default({});

export type ChannelsConfig = z.infer<typeof channelsConfig>;
export type ChannelConfig = z.infer<typeof channel>;
export type WebhookConfig = z.infer<typeof webhook>;
export type SlackConfig = z.infer<typeof slack>;
export type MailConfig = z.infer<typeof mail>;
