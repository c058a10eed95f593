import { z } from 'zod';

/** What an attribute of an entity may be. */
const valueKinds = ['string', 'integer', 'decimal', 'boolean', 'datetime'] as const;
export type ValueKind = (typeof valueKinds)[number];

export interface AttributeType {
  /** A kind of value, or the id of an entity of a type. */
  readonly of: { readonly kind: ValueKind } | { readonly kind: 'entity'; readonly type: string };
  /** A set of these, given as a list. */
  readonly isSet: boolean;
  /** A policy may rely on it without asking `has`; a guard that does stays shut where it is missing. */
  readonly required: boolean;
}

/** A kind of thing that enforcement points ask about: subjects, resources, and what they are in. */
export interface EntityType {
  readonly attributes: Readonly<Record<string, AttributeType>>;
  /** Types of what it may be in. */
  readonly parents: readonly string[];
}

export type EntityTypes = ReadonlyMap<string, EntityType>;

/** Cedar's own words, and the types that are there already. */
const takenTypes: ReadonlySet<string> = new Set(['Action', 'Group', 'Identity', 'Resource', 'Session', 'Facts', 'Origin', 'Temporal', 'true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar', 'Bool', 'Boolean', 'Entity', 'Extension', 'Long', 'Record', 'Set', 'String', ...valueKinds]);

const typeName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected the name of a type in letters, digits and `_`')
  .refine((name) => !takenTypes.has(name), 'this name is taken');
const nameOfAttribute = z.string().min(1).max(128).refine((name) => !name.startsWith('__'), 'expected a name that does not begin with `__`');

const attributeText = z.string().regex(/^(set of )?[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected `string`, `integer`, `decimal`, `boolean`, `datetime`, the name of a type, or `set of` one of these');
const attribute = z.union([attributeText.transform((text) => toAttribute(text, false)), z.strictObject({ type: attributeText, required: z.boolean().default(false) }).transform(({ type, required }) => toAttribute(type, required))]);

function toAttribute(text: string, required: boolean): AttributeType {
  const isSet = text.startsWith('set of ');
  const name = isSet ? text.slice('set of '.length) : text;
  const kind = valueKinds.find((known) => known === name);
  return { of: kind ? { kind } : { kind: 'entity', type: name }, isSet, required };
}

/** As people write it. */
export const attributeName = ({ of, isSet }: AttributeType): string => `${isSet ? 'set of ' : ''}${of.kind === 'entity' ? of.type : of.kind}`;

/** The section `entities` of a catalogue: types by name. */
export const entityTypesDocument = z.record(typeName, z.strictObject({ attributes: z.record(nameOfAttribute, attribute).default({}), parents: z.array(typeName).max(100).default([]) }));

/** What an action of enforcement points applies to. */
export const appliesToDocument = z.strictObject({ subjects: z.array(typeName).min(1).max(1_000), resources: z.array(typeName).min(1).max(1_000) });
export type AppliesTo = z.infer<typeof appliesToDocument>;

const uid = z.strictObject({ type: typeName, id: z.string().min(1).max(2_048) });
const value = z.union([z.string().max(64_000), z.number(), z.boolean(), z.array(z.union([z.string().max(64_000), z.number(), z.boolean()])).max(10_000)]);

/** Entities that a bundle knows: `entities.yaml`, or `entities.json` where there are many. */
export const entitiesDocument = z.strictObject({
  entities: z.array(uid.extend({ attributes: z.record(nameOfAttribute, value).default({}), parents: z.array(uid).max(1_000).default([]) })).max(100_000).default([]),
});
export type EntitiesDocument = z.infer<typeof entitiesDocument>;
