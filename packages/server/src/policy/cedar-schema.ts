import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Action } from '@flyball/protocol';
import type { CataloguedAction } from './catalogue.js';
import type { FactType } from './documents.js';
import type { AttributeType, EntityType, EntityTypes, ValueKind } from './entity-types.js';
import type { ArgumentType } from './types.js';

type CedarType = Record<string, unknown>;

const string = { type: 'String' };
const long = { type: 'Long' };
const decimal = { type: 'Extension', name: 'decimal' };
const datetime = { type: 'Extension', name: 'datetime' };
const strings = { type: 'Set', element: string };
const optional = (type: CedarType) => ({ ...type, required: false });
const record = (attributes: Record<string, CedarType>) => ({ type: 'Record', attributes });

export interface SchemaParts {
  readonly actions: readonly CataloguedAction[];
  readonly types: EntityTypes;
  readonly units: readonly string[];
  readonly groups: readonly string[];
  readonly facts: Readonly<Record<string, Readonly<Record<string, FactType>>>>;
  readonly argumentsOf: (action: CataloguedAction) => ArgumentType | undefined;
  /** Names of the bundle's temporal clauses. */
  readonly temporal: readonly string[];
}

/** The Cedar schema that a bundle's policies are validated against, made from its catalogue and the tools' own schemas. */
export function cedarSchema({ actions, types, units, groups, facts, argumentsOf, temporal }: SchemaParts): SchemaJson<string> {
  const session = record({
    purpose: string,
    capabilities: strings,
    labels: strings,
    actions: strings,
    counts: record(Object.fromEntries(actions.map((action) => [action.name, optional(long)]))),
    spent: record(Object.fromEntries(units.map((unit) => [unit, decimal]))),
    refusals: long,
    age: { type: 'Extension', name: 'duration' },
  });
  const factTypes = record(Object.fromEntries(Object.entries(facts).map(([name, attributes]) => [name, optional(record(mapValues(attributes, (type) => factTypesOf[type])))])));
  const origin = record({ gateway: string, address: optional({ type: 'Extension', name: 'ipaddr' }) });
  const context = (action: CataloguedAction) =>
    record({
      args: cedarType(argumentsOf(action) ?? { kind: 'record', attributes: {} }),
      unrepresented: strings,
      session: { type: 'Session' },
      facts: { type: 'Facts' },
      grants: strings,
      origin: { type: 'Origin' },
      now: datetime,
      temporal: { type: 'Temporal' },
      on_behalf_of: optional(string),
      confidence: optional(decimal),
      ...(action.evaluation && { request: cedarType(action.evaluation.context ?? { kind: 'record', attributes: {} }), enforcement_point: string }),
    });
  const actionTypes = actions.map((action) => [
    action.name,
    { memberOf: actionGroups(action).map((id) => ({ id })), appliesTo: { ...typesOf(action), context: context(action) } },
  ]);
  const actionGroupTypes = [...new Set(actions.flatMap(actionGroups))].map((group) => [group, {}]);
  return {
    '': {
      commonTypes: { Session: session, Facts: factTypes, Origin: origin, Temporal: record(Object.fromEntries(temporal.map((name) => [name, { type: 'Boolean' }]))) },
      entityTypes: {
        Group: { ...(groups.length > 0 && { memberOfTypes: [] }) },
        Identity: { memberOfTypes: ['Group'], shape: record({ kind: string, autonomy: string, owner: string, purpose: string, expires: optional(datetime), findings: strings }) },
        Resource: { shape: record({ kind: string, name: string }) },
        ...Object.fromEntries([...types].map(([name, type]) => [name, entityShape(type)])),
      },
      actions: Object.fromEntries([...actionGroupTypes, ...actionTypes]) as Record<string, object>,
    },
  } as unknown as SchemaJson<string>;
}

const typesOf = ({ evaluation }: CataloguedAction) => (evaluation ? { principalTypes: [...evaluation.subjects], resourceTypes: [...evaluation.resources] } : { principalTypes: ['Identity'], resourceTypes: ['Resource'] });

const entityShape = ({ attributes, parents }: EntityType) => ({ memberOfTypes: parents, shape: record(mapValues(attributes, (attribute) => ({ ...attributeType(attribute), required: attribute.required }))) });

function attributeType({ of, isSet }: AttributeType): CedarType {
  const element = of.kind === 'entity' ? { type: 'Entity', name: of.type } : valueTypes[of.kind];
  return isSet ? { type: 'Set', element } : element;
}

const valueTypes: Readonly<Record<ValueKind, CedarType>> = { string, integer: long, decimal, boolean: { type: 'Boolean' }, datetime };

/** Groups that an action belongs to by itself: its tier, and `releases` or `reads` groups for each label. */
export function actionGroups(action: Action): readonly string[] {
  const byLabel = [...action.reads.map((label) => `reads-${label}`), ...action.releases.map((label) => `releases-${label}`)];
  return [...new Set([action.tier, ...action.groups, ...byLabel])];
}

const factTypesOf: Readonly<Record<FactType, CedarType>> = { boolean: { type: 'Boolean' }, string, integer: long, decimal, datetime };

function cedarType(type: ArgumentType): CedarType {
  switch (type.kind) {
    case 'string':
      return string;
    case 'integer':
      return long;
    case 'decimal':
      return decimal;
    case 'boolean':
      return { type: 'Boolean' };
    case 'set':
      return { type: 'Set', element: cedarType(type.element) };
    case 'record':
      return record(mapValues(type.attributes, (attribute) => ({ ...cedarType(attribute.type), required: attribute.required })));
  }
}

function mapValues<A, B>(values: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
