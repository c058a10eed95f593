import type { Json } from '@flyball/protocol';
import type { EvaluationTypes } from './catalogue.js';
import type { ActionDocument } from './documents.js';
import type { AppliesTo, EntityTypes } from './entity-types.js';
import type { Fault } from './faults.js';
import { evaluationMethod } from './evaluation-inputs.js';
import { argumentType } from './types.js';

type Place = Pick<Fault, 'file' | 'line'>;

/** What enforcement points ask about names its types, and nothing else has them. */
export function checkEvaluation({ name, match, applies_to: appliesTo, arguments: args, context, mapping }: ActionDocument, types: EntityTypes, at: Place, faults: Fault[]): void {
  const wrong = (message: string) => faults.push({ ...at, message: `\`${name}\`: ${message}` });
  if (match.method !== evaluationMethod) {
    if (appliesTo ?? args ?? context) wrong(`expected \`applies_to\`, \`arguments\` and \`context\` with \`method: ${evaluationMethod}\` only`);
    return;
  }
  if (mapping) wrong('expected no `mapping`: an enforcement point says itself what it asks about');
  if (match.upstream !== '*') wrong('expected no `match.upstream`: an enforcement point is no upstream');
  if (!appliesTo) return void wrong('expected `applies_to` with the types of its subjects and resources');
  for (const type of [...appliesTo.subjects, ...appliesTo.resources]) if (!types.has(type)) wrong(`\`entities\` declares no type \`${type}\``);
  for (const [member, schema] of Object.entries({ arguments: args, context })) {
    if (schema && argumentType(schema as Json)?.kind !== 'record') wrong(`expected \`${member}\` to be a JSON Schema of an object`);
  }
}

export function checkTypes(types: EntityTypes, at: Place, faults: Fault[]): void {
  for (const [name, { attributes, parents }] of types) {
    for (const [attribute, { of }] of Object.entries(attributes)) if (of.kind === 'entity' && !types.has(of.type)) faults.push({ ...at, message: `\`${attribute}\` of \`${name}\`: expected string, integer, decimal, boolean, datetime or a type that \`entities\` declares, got \`${of.type}\`` });
    for (const parent of parents) if (!types.has(parent)) faults.push({ ...at, message: `the type \`${name}\` is in \`${parent}\`, which \`entities\` does not declare` });
  }
}

export const toEvaluation = ({ subjects, resources }: AppliesTo, args: unknown, context: unknown): EvaluationTypes => ({
  subjects: new Set(subjects),
  resources: new Set(resources),
  arguments: argumentType(args as Json | undefined),
  context: argumentType(context as Json | undefined),
});
