import { automationClasses, autonomies, identityKinds, identityStatuses, tiers } from '@flyball/protocol';
import { z } from 'zod';
import { limits } from '../lib/limits.js';
import { durationOf } from '../lib/duration.js';
import { appliesToDocument, entityTypesDocument } from './entity-types.js';
import { grantsDocument } from './grants.js';

/** Shapes of the files in a bundle, as people write them. Unknown members are refused: a misspelt guard guards nothing. */
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, 'expected letters, digits and `. _ / -`');
const label = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'expected a label such as `pii`');
const date = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
const text = z.string().min(1).max(2_000);

const duration = z.string().transform((text, context) => {
  const ms = durationOf(text) ?? 0;
  if (ms < 1_000) context.addIssue('expected a time such as "30m"');
  return ms;
});

const expression = z.json();
const mapping = z.strictObject({ evaluation: expression.optional(), evaluations: expression.optional() });

const schema = z.record(z.string(), z.json());

const actionDocument = z.strictObject({
  name,
  tier: z.enum(tiers),
  reversible: z.boolean().default(false),
  automation: z.enum(automationClasses).default('human'),
  owner: text.optional(),
  expires: date.optional(),
  revocation: text.optional(),
  reason: text.optional(),
  groups: z.array(name).default([]),
  reads: z.array(label).default([]),
  releases: z.array(label).default([]),
  spends: z.record(label, z.string().min(1)).default({}),
  match: z.strictObject({ upstream: z.string().min(1).default('*'), method: z.string().min(1).default('tools/call'), name: z.string().min(1).default('*') }),
  /** How the request maps to subject, action and resource (AuthZEN COAZ); absent, the tool's own or the default mapping is used. */
  mapping: mapping.optional(),
  /** For what enforcement points ask about (`method: evaluation`): types of subjects and resources, and JSON Schemas of the action's properties and of the request's context. */
  applies_to: appliesToDocument.optional(),
  arguments: schema.optional(),
  context: schema.optional(),
  /** Patterns of actions that this one follows: while one of those waits in the session, this one waits as well. */
  after: z.array(z.string().min(1).max(256)).max(50).optional(),
  /** For `tier: recommend`: from which confidence on it is presented, from which on a person is asked, who they are, and for how long. */
  confidence: z.strictObject({ present: z.number().min(0).max(1), ask: z.number().min(0).max(1), audience: name, within: duration.optional() }).optional(),
});
export type ActionDocument = z.infer<typeof actionDocument>;

const factType = z.enum(['boolean', 'string', 'integer', 'decimal', 'datetime']);
export type FactType = z.infer<typeof factType>;

export const catalogueDocument = z.strictObject({
  actions: z.array(actionDocument).max(10_000).default([]),
  /** Types of what enforcement points ask about. */
  entities: entityTypesDocument.default({}),
  /** What identities can ask for, for a time. */
  grants: grantsDocument.default({}),
  /** Facts that policies may need, each with its attributes. Whoever supplies them, this is what they look like. */
  facts: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'expected letters, digits and `_`'), factType)).default({}),
});
export type CatalogueDocument = z.infer<typeof catalogueDocument>;

const identityDocument = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/, 'expected lower-case letters, digits and `. _ -`'),
  kind: z.enum(identityKinds),
  autonomy: z.enum(autonomies),
  owner: text,
  purpose: text,
  capabilities: z.array(z.string().min(1).max(256)).default(['*']),
  groups: z.array(name).default([]),
  status: z.enum(identityStatuses).default('active'),
  expires: date.optional(),
  subjects: z.array(z.string().min(1).max(2_048)).default([]),
});

export const identitiesDocument = z.strictObject({ identities: z.array(identityDocument).max(100_000).default([]) });
export type IdentitiesDocument = z.infer<typeof identitiesDocument>;

const personName = z.string().min(1).max(512);
const personDocument = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._@-]{0,127}$/),
  groups: z.array(name).default([]),
  administrator: z.boolean().default(false),
  /** Sees everything and changes nothing. */
  auditor: z.boolean().default(false),
  /** Other names of the same human: an e-mail address, another account, `issuer|subject`. One human is one person here, whatever the account. */
  also: z.array(personName).max(50).default([]),
  email: z.email().optional(),
  /** May judge, but not alone: their consent counts beside another person's. */
  peer_review: z.boolean().default(false),
});

/** Guards that are annotated with its name can be opened by the people named here, for a short time and before everybody's eyes. */
const emergencyDocument = z.strictObject({
  name,
  /** Who may declare it. */
  groups: z.array(name).min(1),
  /** Who closes the review afterwards; never somebody who declared it. */
  reviewers: name,
  longest: duration.pipe(z.number().max(limits.emergencyMsMax, 'expected at most 24h')).default(3_600_000),
  /** A second of those people has to confirm before anything opens. */
  second: z.boolean().default(true),
});

export const peopleDocument = z.strictObject({ people: z.array(personDocument).default([]), emergencies: z.array(emergencyDocument).max(100).default([]) });
export type PeopleDocument = z.infer<typeof peopleDocument>;

/** Pinned tool definitions of one upstream, as `flyball tools pin` writes them. */
export const toolsDocument = z.strictObject({ tools: z.array(z.looseObject({ name: z.string().min(1), inputSchema: z.looseObject({}) })) });
