import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { Inspected, Performed, Result } from '../action/states.js';
import { schemaFault } from '../lib/json-schema.js';
import { redactValue } from './redact.js';

export type SchemaMode = 'off' | 'warn' | 'strict';

export interface OutputSettings {
  /** What to do with an answer that does not fulfil the tool's `outputSchema`, by upstream. */
  schemaMode(upstream: string): SchemaMode;
}

/** The sixth question: may what came back be released? Throws `output_refused`; the action itself has happened by then. */
export function inspect(performed: Performed, settings: OutputSettings): Inspected {
  const { result, call, grant } = performed;
  const findings = result.kind === 'result' ? checkSchema(performed, settings.schemaMode(call.upstream)) : [];
  const redact = grant.modification?.redact ?? [];
  const released = redact.length === 0 ? result : redacted(result, redact);
  return { ...performed, released, findings };
}

function checkSchema({ result, call }: Performed, mode: SchemaMode): readonly string[] {
  const schema = call.tool?.definition['outputSchema'];
  const applies = mode !== 'off' && isObject(schema) && result.value['isError'] !== true && isFinal(result.value);
  if (!applies) return [];
  const fault = faultOf(schema, result.value['structuredContent']);
  if (fault === undefined) return [];
  if (mode === 'strict') throw new FlyballError('output_refused', 'the answer does not fulfil the tool\'s output schema, so it is not released; the action has happened', { detail: fault });
  return [`output schema: ${fault}`];
}

/** A question back to the client, or a task's handle, is not the tool's answer yet. */
function isFinal(value: JsonObject): boolean {
  const answers = value['content'] !== undefined || value['structuredContent'] !== undefined;
  const waits = value['task'] !== undefined || (value['resultType'] !== undefined && value['resultType'] !== 'complete');
  return answers || !waits;
}

function faultOf(schema: JsonObject, value: Json | undefined): string | undefined {
  try {
    return value === undefined ? 'no structured content' : schemaFault(schema, value);
  } catch (error) {
    return error instanceof FlyballError ? error.message : 'the schema cannot be used';
  }
}

function redacted(result: Result, classes: readonly string[]): Result {
  return { kind: result.kind, value: redactValue(result.value, classes) as JsonObject };
}
