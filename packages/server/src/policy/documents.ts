import { automationClasses, autonomies, identityKinds, identityStatuses, tiers } from '@flyball/protocol';
import { z } from 'zod';

/** Shapes of the files in a bundle, as people write them. Unknown members are refused: a misspelt guard guards nothing. */
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, 'expected letters, digits and `. _ / -`');
const label = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'expected a label such as `pii`');
const date = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
const text = z.string().min(1).max(2_000);

const expression = z.json();
const mapping = z.strictObject({ evaluation: expression.optional(), evaluations: expression.optional() });

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
});
export type ActionDocument = z.infer<typeof actionDocument>;

const factType = z.enum(['boolean', 'string', 'integer', 'decimal', 'datetime']);
export type FactType = z.infer<typeof factType>;

export const catalogueDocument = z.strictObject({
  actions: z.array(actionDocument).max(10_000).default([]),
  /** Facts that policies may need, each with its attributes. Whoever supplies them, this is what they look like. */
  facts: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.record(z.string(), factType)).default({}),
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

export const peopleDocument = z.strictObject({
  people: z.array(z.strictObject({ id: z.string().regex(/^[a-z0-9][a-z0-9._@-]{0,127}$/), groups: z.array(name).default([]), administrator: z.boolean().default(false) })).default([]),
});
export type PeopleDocument = z.infer<typeof peopleDocument>;

/** Pinned tool definitions of one upstream, as `flyball tools pin` writes them. */
export const toolsDocument = z.strictObject({ tools: z.array(z.looseObject({ name: z.string().min(1), inputSchema: z.looseObject({}) })) });
