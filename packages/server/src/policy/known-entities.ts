import { CedarError, Entities } from '@flyball/cedar';
import type { Json } from '@flyball/protocol';
import { z } from 'zod';
import { parseYaml } from '../lib/yaml-file.js';
import { encodeAttributes } from './attributes.js';
import { attributeName, entitiesDocument, type EntitiesDocument, type EntityTypes } from './entity-types.js';
import type { Fault } from './faults.js';

/** The entities that a bundle states: what it says of one counts, whatever a request says of it. */
export interface KnownEntities {
  readonly source: Entities;
  /** The same in Cedar's JSON format, by the key of each uid. */
  readonly json: ReadonlyMap<string, Json>;
}

const noEntities = (): KnownEntities => ({ source: Entities.fromJson([]), json: new Map() });

interface Read {
  readonly document: EntitiesDocument;
  lineOf(index: number): number;
}

/** Reads the entities of a bundle; what is wrong is added to `faults` with its file and line. */
export function loadEntities(files: Readonly<Record<string, string>>, types: EntityTypes, faults: Fault[]): KnownEntities {
  const [file, other] = ['entities.yaml', 'entities.json'].filter((name) => files[name] !== undefined);
  if (file === undefined) return noEntities();
  if (other !== undefined) faults.push({ file: other, message: `expected entities in one file, and there is \`${file}\` as well` });
  const read = readEntities(file, files[file] ?? '', faults);
  if (!read) return noEntities();
  const list = read.document.entities.map((entity, index) => toCedar(entity, types, (message) => faults.push({ file, line: read.lineOf(index), message: `\`${entity.type}:${entity.id.slice(0, 128)}\`: ${message}` })));
  try {
    const source = Entities.fromJson(list);
    return { source, json: new Map(list.map((entity) => [keyOf(entity.uid), entity])) };
  } catch (error) {
    if (!(error instanceof CedarError)) throw error;
    faults.push({ file, message: error.message });
    return noEntities();
  }
}

const keyOf = ({ type, id }: { readonly type: string; readonly id: string }): string => `${type}::"${id}`;

/** JSON is read as such: with a hundred thousand entities it takes a fraction of the time. */
function readEntities(file: string, text: string, faults: Fault[]): Read | undefined {
  if (file.endsWith('.json')) {
    const checked = entitiesDocument.safeParse(jsonOf(text));
    if (checked.success) return { document: checked.data, lineOf: () => 1 };
    faults.push({ file, message: z.prettifyError(checked.error).split('\n').slice(0, 2).join(' ') });
    return undefined;
  }
  const parsed = parseYaml(text, entitiesDocument);
  if ('faults' in parsed) {
    faults.push(...parsed.faults.map((fault) => ({ file, ...fault })));
    return undefined;
  }
  return { document: parsed.value, lineOf: (index) => parsed.lineOf(['entities', index]) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toCedar({ type, id, attributes, parents }: EntitiesDocument['entities'][number], types: EntityTypes, wrong: (message: string) => void) {
  const declared = types.get(type);
  if (!declared) wrong(`catalogue.yaml declares no type \`${type}\``);
  const { value, undeclared, unfit } = encodeAttributes(attributes, declared ?? { attributes: {}, parents: [] });
  if (declared) undeclared.forEach((name) => wrong(`\`${type}\` has no attribute \`${name}\``));
  unfit.forEach((name) => {
    const type = declared?.attributes[name];
    if (type) wrong(`expected \`${name}\` to be a ${attributeName(type)}`);
  });
  const missing = Object.entries(declared?.attributes ?? {}).filter(([name, attribute]) => attribute.required && !Object.hasOwn(attributes, name));
  missing.forEach(([name]) => wrong(`expected the attribute \`${name}\``));
  parents.filter((parent) => declared && !declared.parents.includes(parent.type)).forEach((parent) => wrong(`a \`${type}\` is not in a \`${parent.type}\``));
  return { uid: { type, id }, attrs: value, parents };
}
